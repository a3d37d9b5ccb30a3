// Listening sockets that belong to somebody else: accepted on while they are not muted, never closed here.
#ifndef EMPEROR_NATIVE_REACTOR_LISTENERS_H_
#define EMPEROR_NATIVE_REACTOR_LISTENERS_H_

#include <sys/socket.h>

#include <cstdint>

#include "events.h"
#include "poller.h"
#include "streams.h"

class Listeners {
 public:
  Listeners(Events* events, Poller* poller, Streams* streams)
      : events_(events), poller_(poller), streams_(streams) {}

  /** Prepares the socket; muted at first. Returns its number or a negative errno. */
  int32_t Add(int fd, bool is_tcp);
  /** Returns 0 or an errno: EBADF where there is no such listener. */
  int SetMuted(int32_t number, bool is_muted);
  /** Its number is used again only after Recycle. */
  void Remove(int32_t number);
  void Recycle();
  /** Connections wait. Events are open. */
  void OnReady(int32_t number);
  void RemoveAll();

  uint32_t AcceptingCount() const { return accepting_count_; }

 private:
  enum class State : uint8_t { kFree, kMuted, kAccepting, kRemoved };
  struct Listener {
    int fd;
    State state;
    /** More connections waited than were taken at its last wake-up. */
    bool is_flooded;
    /** Connections that came one by one. */
    uint32_t accepted;
    /** Of SetProbeDelay: the next one's. */
    uint32_t turn;
  };
  static constexpr int32_t kMostListeners = 256;

  bool IsListener(int32_t number) const;
  bool AcceptOne(int32_t number);
  void SpreadProbes(Listener* listener, int fd);
  void Refuse(int32_t number, int error);
  void AddAccepted(int32_t stream, int32_t listener, const sockaddr_storage& address);

  Events* events_;
  Poller* poller_;
  Streams* streams_;
  Listener listeners_[kMostListeners] = {};
  uint32_t accepting_count_ = 0;
};

#endif  // EMPEROR_NATIVE_REACTOR_LISTENERS_H_
