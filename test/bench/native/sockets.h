// Sockets, time and order for the load programs of the benchmarks: what each of them would otherwise write again.
// A load program that cannot go on says why and ends: a figure that it half made up would be worse than none.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

[[noreturn]] inline void Fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

inline int Checked(int result, const char* what) {
  if (result == -1) Fail(what);
  return result;
}

inline int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

inline void SetNonBlocking(int fd) {
  Checked(fcntl(fd, F_SETFL, Checked(fcntl(fd, F_GETFL), "fcntl") | O_NONBLOCK), "fcntl");
}

/** Connects to a port of the loopback address and waits for it. */
inline int ConnectTo(int port) {
  const int fd = Checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Checked(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

inline int ListenAt(const char* path) {
  const int fd = Checked(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    Fail(path);
  }
  std::strcpy(address.sun_path, path);
  Checked(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  Checked(listen(fd, 4096), "listen");
  return fd;
}

/** Adds a descriptor, level-triggered, to be told of by `number`. */
inline void Watch(int epoll, int fd, uint32_t events, uint64_t number) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = number;
  Checked(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/** Sends all of it, waiting where the socket is full. False: the peer is gone. */
inline bool SendAll(int fd, const char* bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent == -1) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return false;
      // It is seldom full: the messages are small, and their sender waits for each answer.
      epoll_event ready{};
      const int waiter = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
      Watch(waiter, fd, EPOLLOUT, 0);
      epoll_wait(waiter, &ready, 1, -1);
      close(waiter);
      continue;
    }
    bytes += sent;
    length -= static_cast<size_t>(sent);
  }
  return true;
}

/** The value below which `percent` of the sorted values lie, by the nearest-rank rule; 0 for none. */
inline int64_t Percentile(const std::vector<int64_t>& sorted, double percent) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<size_t>(percent / 100 * static_cast<double>(sorted.size()) + 0.999999999);
  return sorted[std::min(sorted.size() - 1, rank == 0 ? 0 : rank - 1)];
}
