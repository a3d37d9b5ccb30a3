// Socket options by setsockopt(2).
#include "tcp-options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace {

constexpr int kIdleSeconds = 60;
/** The kernel lets timers of this length go off together where they are due within two seconds of each other. */
constexpr uint32_t kTurns = 60;
constexpr int kIntervalSeconds = 15;
constexpr int kProbes = 4;
/** One that connects and says nothing is accepted after a second all the same, so that its deadline runs. */
constexpr int kDeferSeconds = 1;

void Set(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof(value)); }

}  // namespace

void SetTcpOptions(int fd, uint32_t turn) {
  Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetProbeDelay(fd, turn);
  Set(fd, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
  Set(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

void SetProbeDelay(int fd, uint32_t turn) {
  Set(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds + static_cast<int>(turn % kTurns));
}

void SetTcpListenerOptions(int fd) {
  SetTcpOptions(fd, 0);
  Set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, kDeferSeconds);
}
