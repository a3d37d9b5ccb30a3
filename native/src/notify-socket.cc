// The receiving end of sd_notify(3): a datagram socket polled by the event loop of the thread that opened it. It
// vouches for nothing but the sender's pid; what the text means, and whether that pid may say it, is the caller's.
// Never keeps the loop alive, never keeps a descriptor that a datagram brought (FDSTORE is not offered).
#include "functions.h"

#if defined(__linux__)

#include <unistd.h>

#include <memory>
#include <string>

#include "ancillary.h"
#include "arguments.h"
#include "errors.h"
#include "poll-watch.h"
#include "socket.h"

namespace {

// As systemd's own limit for a notification.
constexpr size_t kLongestText = 4096;
// Then the loop gets its turn, and comes back at once if there is more: a flood must not stop everything else.
constexpr int kMostPerTurn = 64;

class NotifySocket : public PollWatch {
 public:
  NotifySocket(Napi::Env env, Descriptor fd, const Napi::Function& on_notification)
      : PollWatch(env, std::move(fd), "EmperorNotifySocket"), on_notification_(Napi::Persistent(on_notification)) {}

 private:
  void OnReadable() override {
    for (int count = 0; count < kMostPerTurn && !IsClosed(); count++) {
      if (!ReceiveOne()) return;
    }
  }

  void OnClose() override { on_notification_.Reset(); }

  /** False where nothing more is there. */
  bool ReceiveOne() {
    char text[kLongestText];
    // Descriptors are closed at the end of this function, after the callback: sd_notify_barrier(3) sends one and
    // waits for that, so by then everything that was sent before it has been heard.
    Ancillary ancillary;
    int flags = 0;
    const ssize_t received = ReceiveMessage(Fd(), {text, sizeof(text)}, &ancillary, &flags);
    if (received == -1) return false;
    const bool is_whole = (flags & MSG_TRUNC) == 0;
    // 0 is a sender outside of this process's pid namespace: nobody we could have started.
    if (!is_whole || ancillary.sender <= 0) return true;
    size_t length = static_cast<size_t>(received);
    // Some clients send their C string with its end.
    while (length > 0 && text[length - 1] == '\0') length--;
    if (length > 0) Tell(ancillary.sender, std::string(text, length));
    return true;
  }

  void Tell(pid_t pid, const std::string& text) {
    Napi::HandleScope scope(Env());
    Napi::Object notification = Napi::Object::New(Env());
    notification.Set("pid", Napi::Number::New(Env(), pid));
    notification.Set("text", Napi::String::New(Env(), text));
    Call(on_notification_.Value(), {notification});
  }

  Napi::FunctionReference on_notification_;
};

/** Sets errno and returns false on failure. */
bool Bind(int fd, const UnixAddress& address) {
  const int on = 1;
  // Before bind, so that there is no datagram whose sender is unknown.
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == -1) return false;
  // Workers may run as other users and sending takes write permission, as on systemd's own socket. The directory says
  // who gets this far; the sender's pid says who may speak.
  constexpr mode_t kMode = 0666;
  return BindUnixSocket(fd, address, kMode);
}

}  // namespace

Napi::Value OpenNotifySocket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto path = StringArgument(info, 0, "path");
  if (!path) return Napi::Value();
  const auto on_notification = FunctionArgument(info, 1, "onNotification");
  if (!on_notification) return Napi::Value();
  const auto address = UnixAddressOf(env, *path, AtSign::kAbstract);
  if (!address) return Napi::Value();

  Descriptor fd = OpenSocket(AF_UNIX, SOCK_DGRAM);
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "socket");
  if (!Bind(fd.Get(), *address)) return ThrowSystemError(env, errno, "bind", *path);
  const auto socket = std::make_shared<NotifySocket>(env, std::move(fd), *on_notification);
  const int code = PollWatch::Open(socket);
  if (code != 0) {
    if (address->address.sun_path[0] != '\0') unlink(path->c_str());
    return ThrowSystemError(env, -code, "uv_poll", *path);
  }
  return CloserOf(env, socket);
}

#else

#include <cerrno>

#include "errors.h"

Napi::Value OpenNotifySocket(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "bind", "(only Linux tells who sent a datagram)");
}

#endif
