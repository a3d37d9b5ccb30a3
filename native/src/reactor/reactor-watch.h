// The reactor in Node's event loop: its epoll descriptor is polled by libuv's, and each wake-up is one call of
// `onBatch`, whose result says how many commands it left.
#ifndef EMPEROR_NATIVE_REACTOR_REACTOR_WATCH_H_
#define EMPEROR_NATIVE_REACTOR_REACTOR_WATCH_H_

#include <napi.h>

#include <memory>

#include "../poll-watch.h"
#include "reactor.h"

/** The arrays that JavaScript and the reactor share. */
struct SharedArrays {
  Napi::ArrayBuffer slab;
  Napi::ArrayBuffer outgoing;
  Napi::ArrayBuffer events;
  Napi::ArrayBuffer commands;
  Napi::ArrayBuffer pending;
};

class ReactorWatch : public PollWatch {
 public:
  ReactorWatch(Napi::Env env, Descriptor epoll_fd, const SharedArrays& arrays, const ReactorLimits& limits,
               const Napi::Function& on_batch);

  /** Null once it is closed. */
  Reactor* Open() { return IsClosed() ? nullptr : &reactor_; }
  /** After every call that changed something: outside of a batch it takes effect at once. */
  void Settle();
  /** Throws a RangeError where a command is wrong. */
  void Execute(uint32_t count);

 private:
  void OnReadable() override;
  void OnClose() override;
  void Tell(uint32_t event_count);

  Reactor reactor_;
  Napi::FunctionReference on_batch_;
  /** So that the memory stays where it is. */
  Napi::Reference<Napi::Array> arrays_;
  bool is_in_batch_ = false;
  bool is_keeping_alive_ = false;
};

#endif  // EMPEROR_NATIVE_REACTOR_REACTOR_WATCH_H_
