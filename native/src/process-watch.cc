// The end of a process that is not our child, at the moment it happens: a pidfd becomes readable then. It is the same
// process for as long as it is watched, whoever gets its pid afterwards.
#include "functions.h"

#if defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <climits>
#include <memory>

#include "arguments.h"
#include "errors.h"
#include "socket.h"

#if !defined(SYS_pidfd_open)
#define SYS_pidfd_open 434
#endif

namespace {

class ProcessWatch {
 public:
  ProcessWatch(Napi::Env env, Descriptor fd, const Napi::Function& on_end)
      : env_(env), fd_(std::move(fd)), on_end_(Napi::Persistent(on_end)), context_(env, "EmperorProcessWatch") {}

  /** Starts polling; from then on `self` is held until the loop has let go of the poll handle. Returns a uv code. */
  static int Open(const std::shared_ptr<ProcessWatch>& self) {
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(self->env_, &loop) != napi_ok) return UV_EINVAL;
    int code = uv_poll_init(loop, &self->poll_, self->fd_.Get());
    if (code != 0) return code;
    self->poll_.data = self.get();
    self->self_ = self;
    // A worker thread's loop may not be closed with our handle on it, so its end has to wait for ours.
    napi_add_async_cleanup_hook(self->env_, OnEnvironmentEnd, self.get(), &self->cleanup_hook_);
    code = uv_poll_start(&self->poll_, UV_READABLE, OnReadable);
    if (code != 0) {
      self->Close();
      return code;
    }
    uv_unref(reinterpret_cast<uv_handle_t*>(&self->poll_));
    return 0;
  }

  /** May be called again, and from within the callback. */
  void Close() {
    if (is_closed_) return;
    is_closed_ = true;
    on_end_.Reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), OnClosed);
    // uv_close has taken the number off epoll already, which must happen before it can be used again.
    fd_.Close();
  }

 private:
  static void OnReadable(uv_poll_t* poll, int, int) { static_cast<ProcessWatch*>(poll->data)->Tell(); }

  static void OnClosed(uv_handle_t* handle) {
    auto* watch = static_cast<ProcessWatch*>(handle->data);
    // Last use of `watch` in this file; the closure that JavaScript calls close() by may hold it for longer.
    const std::shared_ptr<ProcessWatch> self = std::move(watch->self_);
    if (self->cleanup_hook_ != nullptr) napi_remove_async_cleanup_hook(self->cleanup_hook_);
  }

  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
    static_cast<ProcessWatch*>(data)->Close();
  }

  void Tell() {
    if (is_closed_) return;
    Napi::HandleScope scope(env_);
    const Napi::Function on_end = on_end_.Value();
    Close();
    on_end.MakeCallback(Napi::Object::New(env_), {}, context_);
    // What the callback throws is an uncaught exception, as from any callback of Node's own.
    if (env_.IsExceptionPending()) napi_fatal_exception(env_, env_.GetAndClearPendingException().Value());
  }

  Napi::Env env_;
  Descriptor fd_;
  Napi::FunctionReference on_end_;
  Napi::AsyncContext context_;
  uv_poll_t poll_{};
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  std::shared_ptr<ProcessWatch> self_;
  bool is_closed_ = false;
};

constexpr Range kPids{1, INT_MAX};

}  // namespace

Napi::Value WatchProcess(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto pid = IntegerArgument(info, 0, "pid", kPids);
  if (!pid) return Napi::Value();
  if (!info[1].IsFunction()) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"onEnd\" argument must be a function");
    return Napi::Value();
  }
  // A pidfd is close-on-exec from its start.
  Descriptor fd(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "pidfd_open");
  const auto watch = std::make_shared<ProcessWatch>(env, std::move(fd), info[1].As<Napi::Function>());
  const int code = ProcessWatch::Open(watch);
  if (code != 0) return ThrowSystemError(env, -code, "uv_poll");

  Napi::Object handle = Napi::Object::New(env);
  handle.Set("close",
             Napi::Function::New(env, [watch](const Napi::CallbackInfo&) { watch->Close(); }, "close"));
  return handle;
}

#else

#include <cerrno>

#include "errors.h"

Napi::Value WatchProcess(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "pidfd_open", "(a pidfd is a thing of Linux)");
}

#endif
