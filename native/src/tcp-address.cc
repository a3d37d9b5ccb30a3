// Numeric TCP addresses, read by libuv's parsers: these take the canonical spellings only, no "127.1", no name that
// would need a lookup.
#include "tcp-address.h"

#include <netinet/in.h>
#include <uv.h>

#include "errors.h"

std::optional<TcpAddress> TcpAddressOf(Napi::Env env, const std::string& host, int port) {
  TcpAddress result{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.address);
  if (uv_ip4_addr(host.c_str(), port, v4) == 0) {
    result.length = sizeof(*v4);
    return result;
  }
  if (uv_ip6_addr(host.c_str(), port, v6) == 0) {
    result.length = sizeof(*v6);
    return result;
  }
  ThrowTypeError(env, "ERR_INVALID_IP_ADDRESS", "The \"host\" argument must be a numeric IP address, not " + host);
  return std::nullopt;
}
