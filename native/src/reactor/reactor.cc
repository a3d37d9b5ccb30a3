// The three steps of a wake-up.
#include "reactor.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <new>

Reactor::Reactor(int epoll_fd, const SharedMemory& memory, const ReactorLimits& limits)
    : poller_(epoll_fd),
      events_(memory.events, limits.most_events, memory.slab, limits.slab_bytes, limits.read_bytes),
      commands_(memory.commands, limits.most_commands, memory.outgoing, limits.outgoing_bytes),
      streams_(&events_, &poller_, memory.pending, limits.streams),
      listeners_(&events_, &poller_, &streams_),
      relays_(&streams_),
      connector_(&streams_),
      most_ready_(static_cast<int>(limits.most_events)) {
  streams_.SetRelays(&relays_);
}

int Reactor::Open() {
  ready_.reset(new (std::nothrow) epoll_event[static_cast<size_t>(most_ready_)]);
  if (ready_ == nullptr) return ENOMEM;
  alarm_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!alarm_.IsOpen()) return errno;
  return poller_.Add(alarm_.Get(), EPOLLIN, PollKind::kAlarm, 0);
}

uint32_t Reactor::Collect() {
  events_.Open();
  streams_.TellUntold();
  streams_.ReadOn();
  const int count = poller_.Poll(ready_.get(), most_ready_);
  int handled = 0;
  for (; handled < count && events_.HasRoom(); handled++) Handle(ready_[handled]);
  events_.Close();
  for (; handled < count; handled++) Postpone(ready_[handled]);
  return events_.Count();
}

void Reactor::Handle(const epoll_event& event) {
  const int32_t number = Poller::NumberOf(event);
  switch (Poller::KindOf(event)) {
    case PollKind::kStream:
      streams_.OnReady(number, event.events);
      break;
    case PollKind::kListener:
      listeners_.OnReady(number);
      break;
    case PollKind::kAlarm:
      SetAlarm(false);
      break;
  }
}

void Reactor::Postpone(const epoll_event& event) {
  // Of listeners, and of the alarm, epoll reports what is, not what happened: it will do so again.
  if (Poller::KindOf(event) == PollKind::kStream) streams_.Postpone(Poller::NumberOf(event), event.events);
}

bool Reactor::Execute(uint32_t count) {
  return commands_.Execute(count, &streams_, events_.Slab(), events_.SlabBytes());
}

void Reactor::Settle() {
  streams_.Settle();
  listeners_.Recycle();
  if (streams_.HasWork()) SetAlarm(true);
}

void Reactor::Close() {
  poller_.Forget();
  listeners_.RemoveAll();
  streams_.CloseAll();
  // Not with this object, which lives as long as JavaScript holds a function of it.
  alarm_.Close();
}

bool Reactor::IsBusy() const {
  return streams_.LiveCount() > 0 || listeners_.AcceptingCount() > 0 || streams_.HasWork();
}

void Reactor::SetAlarm(bool is_set) {
  if (is_set == is_alarm_set_) return;
  is_alarm_set_ = is_set;
  uint64_t value = 1;
  // Neither can fail: the counter is 0 or 1, and it is known which.
  const ssize_t result = is_set ? write(alarm_.Get(), &value, sizeof(value)) : read(alarm_.Get(), &value, sizeof(value));
  static_cast<void>(result);
}
