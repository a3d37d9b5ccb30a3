// The end of a process that is not our child, at the moment it happens: a pidfd becomes readable then. It is the same
// process for as long as it is watched, whoever gets its pid afterwards.
#include "functions.h"

#if defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <memory>

#include "arguments.h"
#include "errors.h"
#include "poll-watch.h"
#include "socket.h"

#if !defined(SYS_pidfd_open)
#define SYS_pidfd_open 434
#endif

namespace {

class ProcessWatch : public PollWatch {
 public:
  ProcessWatch(Napi::Env env, Descriptor fd, const Napi::Function& on_end)
      : PollWatch(env, std::move(fd), "EmperorProcessWatch"), on_end_(Napi::Persistent(on_end)) {}

 private:
  void OnReadable() override {
    Napi::HandleScope scope(Env());
    const Napi::Function on_end = on_end_.Value();
    Close();
    Call(on_end, {});
  }

  void OnClose() override { on_end_.Reset(); }

  Napi::FunctionReference on_end_;
};

constexpr Range kPids{1, INT_MAX};

}  // namespace

Napi::Value WatchProcess(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto pid = IntegerArgument(info, 0, "pid", kPids);
  if (!pid) return Napi::Value();
  const auto on_end = FunctionArgument(info, 1, "onEnd");
  if (!on_end) return Napi::Value();
  // A pidfd is close-on-exec from its start.
  Descriptor fd(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "pidfd_open");
  const auto watch = std::make_shared<ProcessWatch>(env, std::move(fd), *on_end);
  const int code = PollWatch::Open(watch);
  if (code != 0) return ThrowSystemError(env, -code, "uv_poll");
  return CloserOf(env, watch);
}

#else

#include <cerrno>

#include "errors.h"

Napi::Value WatchProcess(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "pidfd_open", "(a pidfd is a thing of Linux)");
}

#endif
