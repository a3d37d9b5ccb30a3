// Accepting. The first bytes of a connection are read at once: who connects has something to say, and TCP_DEFER_ACCEPT
// gives us the connection when it was said.
#include "listeners.h"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "../socket.h"
#include "tcp-options.h"

namespace {

/** Then the other descriptors get their turn. */
constexpr int kMostPerWakeUp = 64;
/** Connections that come one by one may be probed at the same time: so many. */
constexpr uint32_t kProbedTogether = 8;

/** The connection is lost, or never was one; the next may be better (accept(2), "Error handling"). */
bool IsOfConnection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

/** The `a` of an accepted record. `port` is in network order. */
int32_t WithPort(int32_t listener, in_port_t port) {
  return static_cast<int32_t>(static_cast<uint32_t>(ntohs(port)) << kPortShift | static_cast<uint32_t>(listener));
}

}  // namespace

int32_t Listeners::Add(int fd, bool is_tcp) {
  int32_t number = 0;
  while (number < kMostListeners && listeners_[number].state != State::kFree) number++;
  if (number == kMostListeners) return -EMFILE;
  // One that another program bound may block, and then accept would stop everything.
  if (!MakeNonBlocking(fd)) return -errno;
  if (is_tcp) SetTcpListenerOptions(fd);
  listeners_[number] = {fd, State::kMuted, false, 0, 0};
  return number;
}

int Listeners::SetMuted(int32_t number, bool is_muted) {
  if (!IsListener(number)) return EBADF;
  Listener& listener = listeners_[number];
  if (is_muted == (listener.state == State::kMuted)) return 0;
  if (is_muted) {
    poller_->Remove(listener.fd);
    accepting_count_--;
  } else {
    // EPOLLEXCLUSIVE would change nothing: nobody waits in this epoll itself, libuv's only polls it.
    const int error = poller_->Add(listener.fd, EPOLLIN, PollKind::kListener, number);
    if (error != 0) return error;
    accepting_count_++;
  }
  listener.state = is_muted ? State::kMuted : State::kAccepting;
  return 0;
}

void Listeners::Remove(int32_t number) {
  if (!IsListener(number)) return;
  SetMuted(number, true);
  listeners_[number] = {-1, State::kRemoved, false, 0, 0};
}

void Listeners::Recycle() {
  for (Listener& listener : listeners_) {
    if (listener.state == State::kRemoved) listener.state = State::kFree;
  }
}

void Listeners::RemoveAll() {
  for (int32_t number = 0; number < kMostListeners; number++) Remove(number);
}

void Listeners::OnReady(int32_t number) {
  for (int count = 0; count < kMostPerWakeUp && events_->HasRoom(); count++) {
    if (!streams_->HasRoom()) {
      Refuse(number, errno);
      return;
    }
    if (!AcceptOne(number)) {
      listeners_[number].is_flooded = false;
      return;
    }
  }
  listeners_[number].is_flooded = true;
}

bool Listeners::AcceptOne(int32_t number) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  const int fd = Retry([&] {
    return accept4(listeners_[number].fd, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  if (fd == -1) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (IsOfConnection(errno)) return true;
    Refuse(number, errno);
    return false;
  }
  const bool is_tcp = address.ss_family == AF_INET || address.ss_family == AF_INET6;
  if (is_tcp) SpreadProbes(&listeners_[number], fd);
  const int32_t stream = streams_->Take(fd, is_tcp ? kIsTcp : 0u);
  AddAccepted(stream, number, address);
  streams_->Read(stream, 0);
  return true;
}

/**
 * Accepted connections inherit the delay of their listener, so one call in a while is enough; but the kernel made those
 * that wait in its queue when they came, with the delay of then.
 */
void Listeners::SpreadProbes(Listener* listener, int fd) {
  if (listener->is_flooded) {
    SetProbeDelay(fd, listener->turn++);
  } else if (++listener->accepted % kProbedTogether == 0) {
    SetProbeDelay(listener->fd, listener->turn++);
  }
}

void Listeners::AddAccepted(int32_t stream, int32_t listener, const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    events_->Add(kAcceptedV4, stream, WithPort(listener, v4.sin_port), static_cast<int32_t>(ntohl(v4.sin_addr.s_addr)));
    return;
  }
  if (address.ss_family != AF_INET6) {
    events_->Add(kAcceptedUnix, stream, listener);
    return;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  const uint8_t* bytes = v6.sin6_addr.s6_addr;
  const int32_t listener_and_port = WithPort(listener, v6.sin6_port);
  if (IN6_IS_ADDR_V4MAPPED(reinterpret_cast<const in6_addr*>(bytes))) {
    uint32_t v4;
    std::memcpy(&v4, bytes + 12, sizeof(v4));
    events_->Add(kAcceptedV4, stream, listener_and_port, static_cast<int32_t>(ntohl(v4)));
    return;
  }
  std::memcpy(events_->Room(), bytes, sizeof(in6_addr));
  events_->Add(kAcceptedV6, stream, listener_and_port, events_->Take(sizeof(in6_addr)));
}

void Listeners::Refuse(int32_t number, int error) {
  SetMuted(number, true);
  events_->Add(kRefused, number, error);
}

bool Listeners::IsListener(int32_t number) const {
  if (number < 0 || number >= kMostListeners) return false;
  const State state = listeners_[number].state;
  return state == State::kMuted || state == State::kAccepting;
}
