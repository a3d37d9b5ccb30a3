// A descriptor that the event loop of the thread that opened it polls, from its opening to the moment at which the
// loop has let go of it. What becomes readable means is its kind's affair. It keeps the loop alive only where its kind
// asks for that.
#ifndef EMPEROR_NATIVE_POLL_WATCH_H_
#define EMPEROR_NATIVE_POLL_WATCH_H_

#include <napi.h>
#include <uv.h>

#include <memory>
#include <vector>

#include "socket.h"

class PollWatch {
 public:
  PollWatch(const PollWatch&) = delete;
  PollWatch& operator=(const PollWatch&) = delete;
  virtual ~PollWatch() = default;

  /** Starts polling; from then on `self` is held until the loop has let go of the poll handle. Returns a uv code. */
  static int Open(const std::shared_ptr<PollWatch>& self);

  /** Polls no longer and closes the descriptor. May be called again, and from within a callback. */
  void Close();

 protected:
  /** `name` is what async_hooks call it. */
  PollWatch(Napi::Env env, Descriptor fd, const char* name);

  /** The descriptor is readable, or has a fault that reading it will tell. Not called once it is closed. */
  virtual void OnReadable() = 0;
  /** It was closed: lets go of what it would have called. Called once. */
  virtual void OnClose() = 0;

  /**
   * Calls JavaScript from the loop, on an empty object where `receiver` is not given. What the callback throws is an
   * uncaught exception, as from Node's own, and the result is empty.
   */
  Napi::Value Call(const Napi::Function& callback, const std::vector<napi_value>& arguments,
                   Napi::Object receiver = Napi::Object());

  /** At first it does not keep the loop alive. Not once it is closed. */
  void KeepLoopAlive(bool is_kept);

  Napi::Env Env() const { return env_; }
  napi_async_context Context() const { return context_; }
  int Fd() const { return fd_.Get(); }
  bool IsClosed() const { return is_closed_; }

 private:
  static void OnPoll(uv_poll_t* poll, int status, int events);
  static void OnHandleClosed(uv_handle_t* handle);
  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle hook, void* data);

  Napi::Env env_;
  Descriptor fd_;
  Napi::AsyncContext context_;
  uv_poll_t poll_{};
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  std::shared_ptr<PollWatch> self_;
  bool is_closed_ = false;
};

/** The object that JavaScript holds: its `close` closes the watch. */
Napi::Object CloserOf(Napi::Env env, const std::shared_ptr<PollWatch>& watch);

#endif  // EMPEROR_NATIVE_POLL_WATCH_H_
