// What travels beside the bytes of a unix socket's message: descriptors (SCM_RIGHTS) and the sender's credentials.
#ifndef EMPEROR_NATIVE_ANCILLARY_H_
#define EMPEROR_NATIVE_ANCILLARY_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "socket.h"

/** Most descriptors that Linux lets one message carry (SCM_MAX_FD). */
constexpr size_t kMostInOneMessage = 253;

/** Room for everything one message can carry, so that the kernel never has to cut a list of descriptors short. */
struct AncillaryBuffer {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * kMostInOneMessage) + 256];
};

struct Ancillary {
  /** Owned: those that the receiver does not release are closed with this. */
  std::vector<Descriptor> descriptors;
  /** As the kernel vouches for it; 0 where it did not say. */
  pid_t sender = 0;
};

/** One recvmsg, without waiting, into one buffer. Returns recvmsg's result, with errno; `flags` are the message's. */
ssize_t ReceiveMessage(int fd, iovec bytes, Ancillary* ancillary, int* flags);

/** One sendmsg, without waiting and without SIGPIPE, with at most kMostInOneMessage descriptors. As sendmsg, errno too. */
ssize_t SendMessage(int fd, iovec bytes, const std::vector<int>& descriptors);

#endif  // EMPEROR_NATIVE_ANCILLARY_H_
