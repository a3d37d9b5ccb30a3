// Numeric TCP addresses.
#ifndef EMPEROR_NATIVE_TCP_ADDRESS_H_
#define EMPEROR_NATIVE_TCP_ADDRESS_H_

#include <napi.h>
#include <sys/socket.h>

#include <optional>
#include <string>

struct TcpAddress {
  sockaddr_storage address;
  socklen_t length;
};

/** The address of a numeric host, IPv4 or IPv6; throws a TypeError for anything else, and returns nothing then. */
std::optional<TcpAddress> TcpAddressOf(Napi::Env env, const std::string& host, int port);

#endif  // EMPEROR_NATIVE_TCP_ADDRESS_H_
