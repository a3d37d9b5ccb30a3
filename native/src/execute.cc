// execve(2): this process becomes another program, under the same pid. What this program opened stays behind, but for
// standard input, output and error and the descriptors that are named.
#include <dirent.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <vector>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "socket.h"

namespace {

constexpr int kFirstOther = 3;
constexpr int kSignalsEnd = 65;

/** Copies a JavaScript array of strings; throws and returns nothing where an element cannot be passed on. */
std::optional<std::vector<std::string>> StringsArgument(const Napi::CallbackInfo& info, size_t index,
                                                        const std::string& name) {
  Napi::Env env = info.Env();
  if (!info[index].IsArray()) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"" + name + "\" argument must be an array");
    return std::nullopt;
  }
  const Napi::Array array = info[index].As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t position = 0; position < array.Length(); position++) {
    const Napi::Value element = array.Get(position);
    if (env.IsExceptionPending()) return std::nullopt;
    const std::string what = name + "[" + std::to_string(position) + "]";
    if (!element.IsString()) {
      ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"" + what + "\" argument must be a string");
      return std::nullopt;
    }
    std::string text = element.As<Napi::String>().Utf8Value();
    if (text.find('\0') != std::string::npos) {
      ThrowTypeError(env, "ERR_INVALID_ARG_VALUE", "The \"" + what + "\" argument holds a NUL");
      return std::nullopt;
    }
    strings.push_back(std::move(text));
  }
  return strings;
}

std::optional<std::vector<int>> KeptArgument(const Napi::CallbackInfo& info, size_t index) {
  Napi::Env env = info.Env();
  if (!info[index].IsArray()) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"descriptors\" argument must be an array");
    return std::nullopt;
  }
  const Napi::Array array = info[index].As<Napi::Array>();
  std::vector<int> kept;
  for (uint32_t position = 0; position < array.Length(); position++) {
    const Napi::Value element = array.Get(position);
    if (env.IsExceptionPending()) return std::nullopt;
    const auto fd = IntegerValue(element, "descriptors[" + std::to_string(position) + "]", {kFirstOther, INT_MAX});
    if (!fd) return std::nullopt;
    kept.push_back(*fd);
  }
  return kept;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/**
 * Node opens its own descriptors close-on-exec, but a library's or an inherited one need not be. A descriptor that
 * came through would hold somebody's file, socket or lock for ever.
 */
void CloseOthersOnExec() {
#if defined(__linux__) && defined(SYS_close_range)
  constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
  if (syscall(SYS_close_range, static_cast<unsigned>(kFirstOther), ~0U, kCloseOnExec) == 0) return;
#endif
  if (DIR* directory = opendir("/dev/fd")) {
    while (const dirent* entry = readdir(directory)) {
      const int fd = std::atoi(entry->d_name);
      if (fd >= kFirstOther) MakeCloseOnExec(fd);
    }
    closedir(directory);
  }
}

bool PassThroughExec(int fd) {
  const int flags = fcntl(fd, F_GETFD);
  return flags != -1 && fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) != -1;
}

/**
 * What is ignored stays ignored through execve, and what is blocked stays blocked: the new program is to start as from
 * a shell. Handlers go by themselves, but only in execve: a signal that comes just before would be heard by a handler
 * whose note nobody reads any more. With the default action it ends the process, as it does while the new program has
 * no handlers yet.
 */
class DefaultSignals {
 public:
  DefaultSignals() {
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    sigemptyset(&by_default.sa_mask);
    // KILL, STOP and the threads library's own signals refuse; they need nothing.
    for (int signal = 1; signal < kSignalsEnd; signal++) {
      is_saved_[signal] = sigaction(signal, &by_default, &saved_[signal]) == 0;
    }
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, &saved_mask_);
  }
  ~DefaultSignals() {
    pthread_sigmask(SIG_SETMASK, &saved_mask_, nullptr);
    for (int signal = 1; signal < kSignalsEnd; signal++) {
      if (is_saved_[signal]) sigaction(signal, &saved_[signal], nullptr);
    }
  }
  DefaultSignals(const DefaultSignals&) = delete;
  DefaultSignals& operator=(const DefaultSignals&) = delete;

 private:
  struct sigaction saved_[kSignalsEnd] {};
  bool is_saved_[kSignalsEnd] = {};
  sigset_t saved_mask_{};
};

}  // namespace

Napi::Value Execute(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto path = StringArgument(info, 0, "path");
  if (!path) return Napi::Value();
  auto arguments = StringsArgument(info, 1, "argv");
  if (!arguments) return Napi::Value();
  auto environment = StringsArgument(info, 2, "environment");
  if (!environment) return Napi::Value();
  auto kept = KeptArgument(info, 3);
  if (!kept) return Napi::Value();
  // Node makes what it inherited close-on-exec at its start, the standard descriptors as well. One may be closed.
  for (int fd = 0; fd < kFirstOther; fd++) {
    if (fcntl(fd, F_GETFD) != -1) kept->push_back(fd);
  }

  CloseOthersOnExec();
  int error = 0;
  for (const int fd : *kept) {
    if (error == 0 && !PassThroughExec(fd)) error = errno;
  }
  const char* syscall_name = "fcntl";
  if (error == 0) {
    const std::vector<char*> argv = Pointers(*arguments);
    const std::vector<char*> envp = Pointers(*environment);
    const DefaultSignals signals;
    execve(path->c_str(), argv.data(), envp.data());
    error = errno;
    syscall_name = "execve";
  }
  // Still here: nothing of it may leak into the children that are started from now on.
  for (const int fd : *kept) MakeCloseOnExec(fd);
  return ThrowSystemError(env, error, syscall_name, *path);
}
