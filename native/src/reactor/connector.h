// Sockets that are connected, or are about to be: connects that never wait, and those that another process connected.
#ifndef EMPEROR_NATIVE_REACTOR_CONNECTOR_H_
#define EMPEROR_NATIVE_REACTOR_CONNECTOR_H_

#include <sys/socket.h>

#include <cstdint>

#include "streams.h"

class Connector {
 public:
  explicit Connector(Streams* streams) : streams_(streams) {}

  /** Returns the stream's number, plus kConnectInProgress while the kernel connects; or a negative errno. */
  int32_t Connect(const sockaddr* address, socklen_t length);
  /** Takes up a connected socket. Returns the stream's number or a negative errno; then the descriptor stays open. */
  int32_t Adopt(int fd);

 private:
  Streams* streams_;
  /** Of SetTcpOptions: the next one's. */
  uint32_t turn_ = 0;
};

#endif  // EMPEROR_NATIVE_REACTOR_CONNECTOR_H_
