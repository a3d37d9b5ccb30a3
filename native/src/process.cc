// What Linux lets a process say about its children and its parent. Never waits, and never waits for "any child":
// libuv owns the children that Node started.
#include <sys/types.h>
#include <sys/wait.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <climits>
#include <csignal>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "socket.h"

namespace {

#if defined(__linux__)
// 0 takes an earlier request back; 64 is the last real-time signal.
constexpr Range kSignals{0, 64};
#endif

// 0 and below name whole groups of children, and 1 is nobody's child.
constexpr Range kPids{2, INT_MAX};

}  // namespace

Napi::Value BecomeSubreaper(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
#if defined(__linux__)
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1) return ThrowSystemError(env, errno, "prctl");
  return env.Undefined();
#else
  return ThrowSystemError(env, ENOTSUP, "prctl", "(a child subreaper is a thing of Linux)");
#endif
}

Napi::Value Reap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto pid = IntegerArgument(info, 0, "pid", kPids);
  if (!pid) return Napi::Value();
  int status = 0;
  const pid_t found = Retry([&] { return waitpid(*pid, &status, WNOHANG); });
  // ECHILD: not (or no longer) a child of this process, so there is nothing to reap.
  if (found == -1 && errno != ECHILD) return ThrowSystemError(env, errno, "waitpid");
  return Napi::Boolean::New(env, found == *pid);
}

Napi::Value SetParentDeathSignal(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
#if defined(__linux__)
  const auto signal = IntegerArgument(info, 0, "signal", kSignals);
  if (!signal) return Napi::Value();
  if (prctl(PR_SET_PDEATHSIG, *signal, 0, 0, 0) == -1) return ThrowSystemError(env, errno, "prctl");
  return env.Undefined();
#else
  return ThrowSystemError(env, ENOTSUP, "prctl", "(a parent-death signal is a thing of Linux)");
#endif
}
