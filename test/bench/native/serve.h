// A server on a unix socket for the upstreams of the benchmarks: one thread, one epoll, one Peer per connection.
#pragma once

#include "sockets.h"

/**
 * Serves for ever. `take(fd, peer, bytes, length)` is called with what arrived; false ends the connection. A Peer is as
 * new when its connection begins.
 */
template <typename Peer, typename Take>
[[noreturn]] void ServeAt(const char* path, Take take) {
  const int listener = ListenAt(path);
  const int epoll = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  Watch(epoll, listener, EPOLLIN, static_cast<uint64_t>(listener));
  std::vector<Peer> peers;
  static char received[1 << 18];
  for (;;) {
    epoll_event events[64];
    const int ready = epoll_wait(epoll, events, 64, -1);
    if (ready == -1 && errno != EINTR) Fail("epoll_wait");
    for (int at = 0; at < ready; at += 1) {
      const int fd = static_cast<int>(events[at].data.u64);
      if (fd == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted == -1) continue;
        const auto number = static_cast<size_t>(accepted);
        if (peers.size() <= number) peers.resize(number + 1);
        peers[number] = {};
        Watch(epoll, accepted, EPOLLIN, number);
        continue;
      }
      const ssize_t length = recv(fd, received, sizeof received, 0);
      if (length == -1 && (errno == EAGAIN || errno == EINTR)) continue;
      if (length <= 0 || !take(fd, peers[static_cast<size_t>(fd)], received, static_cast<size_t>(length))) close(fd);
    }
  }
}
