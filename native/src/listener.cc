// Listening sockets that exist before anybody accepts on them, so that their queue outlives every process that does.
// Never accepts, never unlinks a file it found, never sets SO_REUSEPORT (two owners of a port must be an error).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <string>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "socket.h"
#include "tcp-address.h"

namespace {

constexpr Range kPorts{0, 65535};
// The kernel caps it by net.core.somaxconn without a word.
constexpr Range kBacklogs{1, INT_MAX};
constexpr Range kModes{0, 0777};

bool IsUnspecifiedV6(const TcpAddress& address) {
  if (address.address.ss_family != AF_INET6) return false;
  return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(&address.address)->sin6_addr);
}

/** Sets errno and returns false on failure. */
bool BindTcp(int fd, const TcpAddress& address) {
  const int on = 1;
  const int off = 0;
  // Connections of a former owner in TIME_WAIT must not keep the next one from the port. On Linux this never lets
  // two listeners share it.
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1) return false;
  // `::` is meant as "every address", whatever net.ipv6.bindv6only says. For any other address the kernel's default
  // stays: the option would change nothing, but for a v4-mapped one it would make bind fail.
  if (IsUnspecifiedV6(address) && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == -1) return false;
  return bind(fd, reinterpret_cast<const sockaddr*>(&address.address), address.length) == 0;
}

// As Node's net.Server: whatever failed, the operation is "listen", and the error carries the address.
Napi::Value ThrowListenError(Napi::Env env, int error, const std::string& address, int port) {
  const std::string detail = port > 0 ? address + ":" + std::to_string(port) : address;
  Napi::Error thrown = SystemError(env, error, "listen", detail);
  thrown.Set("address", Napi::String::New(env, address));
  if (port > 0) thrown.Set("port", Napi::Number::New(env, port));
  thrown.ThrowAsJavaScriptException();
  return Napi::Value();
}

}  // namespace

Napi::Value ListenTcp(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto host = StringArgument(info, 0, "host");
  if (!host) return Napi::Value();
  const auto port = IntegerArgument(info, 1, "port", kPorts);
  if (!port) return Napi::Value();
  const auto backlog = IntegerArgument(info, 2, "backlog", kBacklogs);
  if (!backlog) return Napi::Value();
  const auto address = TcpAddressOf(env, *host, *port);
  if (!address) return Napi::Value();

  Descriptor fd = OpenSocket(address->address.ss_family, SOCK_STREAM);
  if (!fd.IsOpen() || !BindTcp(fd.Get(), *address) || listen(fd.Get(), *backlog) == -1) {
    return ThrowListenError(env, errno, *host, *port);
  }
  return Napi::Number::New(env, fd.Release());
}

Napi::Value ListenUnix(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto path = StringArgument(info, 0, "path");
  if (!path) return Napi::Value();
  const auto backlog = IntegerArgument(info, 1, "backlog", kBacklogs);
  if (!backlog) return Napi::Value();
  const auto mode = IntegerArgument(info, 2, "mode", kModes);
  if (!mode) return Napi::Value();
  const auto address = UnixAddressOf(env, *path, AtSign::kFileName);
  if (!address) return Napi::Value();

  Descriptor fd = OpenSocket(AF_UNIX, SOCK_STREAM);
  if (!fd.IsOpen() || !BindUnixSocket(fd.Get(), *address, static_cast<mode_t>(*mode))) {
    return ThrowListenError(env, errno, *path, 0);
  }
  if (listen(fd.Get(), *backlog) == -1) {
    const int error = errno;
    unlink(path->c_str());
    return ThrowListenError(env, error, *path, 0);
  }
  return Napi::Number::New(env, fd.Release());
}

Napi::Value LocalPort(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (getsockname(*fd, reinterpret_cast<sockaddr*>(&address), &length) == -1) {
    return ThrowSystemError(env, errno, "getsockname");
  }
  if (address.ss_family == AF_INET) {
    return Napi::Number::New(env, ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port));
  }
  if (address.ss_family == AF_INET6) {
    return Napi::Number::New(env, ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port));
  }
  return ThrowSystemError(env, EAFNOSUPPORT, "getsockname", "(only a TCP socket has a port)");
}
