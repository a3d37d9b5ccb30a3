// epoll_ctl and epoll_wait.
#include "poller.h"

#include <algorithm>
#include <cerrno>

int Poller::Poll(epoll_event* events, int most) { return std::max(0, epoll_wait(fd_, events, most, 0)); }

int Poller::Control(int operation, int fd, uint32_t mask, PollKind kind, int32_t number) {
  epoll_event event{};
  event.events = mask;
  event.data.u64 = static_cast<uint64_t>(kind) << 32 | static_cast<uint32_t>(number);
  return epoll_ctl(fd_, operation, fd, &event) == 0 ? 0 : errno;
}
