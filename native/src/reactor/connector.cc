// connect(2) for unix and TCP, and the taking up of what came otherwise.
#include "connector.h"

#include <cerrno>

#include "../socket.h"
#include "protocol.h"
#include "tcp-options.h"

int32_t Connector::Connect(const sockaddr* address, socklen_t length) {
  if (!streams_->HasRoom()) return -errno;
  Descriptor fd = OpenSocket(address->sa_family, SOCK_STREAM);
  if (!fd.IsOpen()) return -errno;
  const bool is_tcp = address->sa_family != AF_UNIX;
  if (is_tcp) SetTcpOptions(fd.Get(), turn_++);
  // Interrupted, it goes on by itself, and is in progress as any other (connect(2), POSIX).
  const int error = connect(fd.Get(), address, length) == 0 ? 0 : errno;
  const bool is_in_progress = error == EINPROGRESS || error == EINTR;
  if (error != 0 && !is_in_progress) return -error;
  const uint32_t flags = kIsOurs | (is_tcp ? kIsTcp : 0u) | (is_in_progress ? kIsConnecting : 0u);
  return streams_->Take(fd.Release(), flags) + (is_in_progress ? kConnectInProgress : 0);
}

int32_t Connector::Adopt(int fd) {
  if (!streams_->HasRoom()) return -errno;
  int domain = 0;
  socklen_t length = sizeof(domain);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == -1) return -errno;
  if (!MakeNonBlocking(fd)) return -errno;
  return streams_->Take(fd, kIsShared | (domain == AF_INET || domain == AF_INET6 ? kIsTcp : 0u));
}
