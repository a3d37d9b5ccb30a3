// The epoll descriptor of a reactor: who is in it, under which key, and what is ready.
#ifndef EMPEROR_NATIVE_REACTOR_POLLER_H_
#define EMPEROR_NATIVE_REACTOR_POLLER_H_

#include <sys/epoll.h>

#include <cstdint>

/** Whose descriptor is ready. */
enum class PollKind : uint32_t { kStream, kListener, kAlarm };

class Poller {
 public:
  explicit Poller(int fd) : fd_(fd) {}

  /** Each returns 0 or an errno. */
  int Add(int fd, uint32_t mask, PollKind kind, int32_t number) { return Control(EPOLL_CTL_ADD, fd, mask, kind, number); }
  int Modify(int fd, uint32_t mask, PollKind kind, int32_t number) {
    return Control(EPOLL_CTL_MOD, fd, mask, kind, number);
  }
  /** Before the descriptor is closed: where another process holds a copy, closing alone takes nothing out. */
  void Remove(int fd) { Control(EPOLL_CTL_DEL, fd, 0, PollKind::kStream, 0); }

  /** epoll itself is closed; nothing is asked of it any more. */
  void Forget() { fd_ = -1; }

  /** What is ready now, without waiting. Returns how many, 0 at a fault too. */
  int Poll(epoll_event* events, int most);

  static PollKind KindOf(const epoll_event& event) { return static_cast<PollKind>(event.data.u64 >> 32); }
  static int32_t NumberOf(const epoll_event& event) { return static_cast<int32_t>(event.data.u64 & 0xffffffff); }

 private:
  int Control(int operation, int fd, uint32_t mask, PollKind kind, int32_t number);

  int fd_;
};

#endif  // EMPEROR_NATIVE_REACTOR_POLLER_H_
