// The end of a connection that other processes hold descriptors of: closing ours would leave it as it is.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "socket.h"

namespace {

#if defined(__linux__)
bool IsTcp(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == -1) return false;
  return address.ss_family == AF_INET || address.ss_family == AF_INET6;
}
#endif

/** Returns 0 or an errno. A connection that has ended already is as wanted. */
int Shutdown(int fd) { return shutdown(fd, SHUT_RDWR) == -1 && errno != ENOTCONN ? errno : 0; }

}  // namespace

Napi::Value ShutdownSocket(const Napi::CallbackInfo& info) {
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  const int error = Shutdown(*fd);
  if (error != 0) return ThrowSystemError(info.Env(), error, "shutdown");
  return info.Env().Undefined();
}

Napi::Value AbortSocket(const Napi::CallbackInfo& info) {
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
#if defined(__linux__)
  if (IsTcp(*fd)) {
    // Linux dissolves a TCP connection by this, with a reset to the peer, whoever else has a descriptor of it.
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    if (connect(*fd, &nobody, sizeof(nobody)) == 0) return info.Env().Undefined();
  }
#endif
  const int error = Shutdown(*fd);
  if (error != 0) return ThrowSystemError(info.Env(), error, "shutdown");
  return info.Env().Undefined();
}
