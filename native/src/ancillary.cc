// Takes every descriptor of a message into ownership at once: one that is overlooked here would be open for ever.
#include "ancillary.h"

#include <cstring>

namespace {

void TakeDescriptors(const cmsghdr* header, std::vector<Descriptor>* descriptors) {
  const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t index = 0; index < count; index++) {
    int fd = -1;
    // The data follows the header without a promise of alignment.
    std::memcpy(&fd, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
#if !defined(MSG_CMSG_CLOEXEC)
    MakeCloseOnExec(fd);
#endif
    descriptors->emplace_back(fd);
  }
}

}  // namespace

ssize_t ReceiveMessage(int fd, iovec bytes, Ancillary* ancillary, int* flags) {
  AncillaryBuffer buffer;
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = buffer.bytes;
  message.msg_controllen = sizeof(buffer.bytes);
#if defined(MSG_CMSG_CLOEXEC)
  constexpr int kFlags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
#else
  constexpr int kFlags = MSG_DONTWAIT;
#endif
  const ssize_t received = Retry([&] { return recvmsg(fd, &message, kFlags); });
  if (received == -1) return received;

  *flags = message.msg_flags;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) TakeDescriptors(header, &ancillary->descriptors);
#if defined(__linux__)
    if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len >= CMSG_LEN(sizeof(ucred))) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(header), sizeof(sender));
      ancillary->sender = sender.pid;
    }
#endif
  }
  return received;
}

ssize_t SendMessage(int fd, iovec bytes, const std::vector<int>& descriptors) {
  AncillaryBuffer buffer{};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const size_t size = descriptors.size() * sizeof(int);
    message.msg_control = buffer.bytes;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
  }
#if defined(MSG_NOSIGNAL)
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
#else
  // Node ignores SIGPIPE from its start.
  constexpr int kFlags = MSG_DONTWAIT;
#endif
  return Retry([&] { return sendmsg(fd, &message, kFlags); });
}
