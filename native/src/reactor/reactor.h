// The reactor without Node: one epoll descriptor, who is in it, and the three steps of a wake-up. Collect says what
// happened, Execute does what was decided about it, Settle makes ready for the next one. It knows no protocol.
#ifndef EMPEROR_NATIVE_REACTOR_REACTOR_H_
#define EMPEROR_NATIVE_REACTOR_REACTOR_H_

#include <sys/epoll.h>

#include <cstdint>
#include <memory>

#include "../socket.h"
#include "commands.h"
#include "connector.h"
#include "events.h"
#include "listeners.h"
#include "poller.h"
#include "relays.h"
#include "streams.h"

/** Memory that TypeScript sees too; it stays while the reactor does. */
struct SharedMemory {
  uint8_t* slab;
  uint8_t* outgoing;
  Record* events;
  Record* commands;
  uint32_t* pending;
};

struct ReactorLimits {
  uint32_t slab_bytes;
  uint32_t outgoing_bytes;
  uint32_t most_events;
  uint32_t most_commands;
  uint32_t read_bytes;
  StreamLimits streams;
};

class Reactor {
 public:
  Reactor(int epoll_fd, const SharedMemory& memory, const ReactorLimits& limits);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /** Once, before anything else. Returns 0 or an errno. */
  int Open();
  /** What happened, as records; 0 where TypeScript need not know. */
  uint32_t Collect();
  /** Of the command records. False: one of them was wrong, and those behind it were not executed. */
  bool Execute(uint32_t count);
  /** After a batch, and after everything that was done outside of one. */
  void Settle();
  /** epoll is closed: closes every stream, and tells nothing any more. */
  void Close();

  /** Something is open, or is still to be told. */
  bool IsBusy() const;
  uint32_t MostCommands() const { return commands_.Most(); }

  Streams& GetStreams() { return streams_; }
  Listeners& GetListeners() { return listeners_; }
  Relays& GetRelays() { return relays_; }
  Connector& GetConnector() { return connector_; }

 private:
  void Handle(const epoll_event& event);
  /** There is no room for what it brings. */
  void Postpone(const epoll_event& event);
  void SetAlarm(bool is_set);

  Poller poller_;
  Events events_;
  Commands commands_;
  Streams streams_;
  Listeners listeners_;
  Relays relays_;
  Connector connector_;
  /** Readable while something is untold, so that the next wake-up comes at once. */
  Descriptor alarm_;
  bool is_alarm_set_ = false;
  int most_ready_;
  std::unique_ptr<epoll_event[]> ready_;
};

#endif  // EMPEROR_NATIVE_REACTOR_REACTOR_H_
