// The receiving end of sd_notify(3): a datagram socket polled by the event loop of the thread that opened it. It
// vouches for nothing but the sender's pid; what the text means, and whether that pid may say it, is the caller's.
// Never keeps the loop alive, never keeps a descriptor that a datagram brought (FDSTORE is not offered).
#include "functions.h"

#if defined(__linux__)

#include <unistd.h>
#include <uv.h>

#include <memory>
#include <string>

#include "ancillary.h"
#include "arguments.h"
#include "errors.h"
#include "socket.h"

namespace {

// As systemd's own limit for a notification.
constexpr size_t kLongestText = 4096;
// Then the loop gets its turn, and comes back at once if there is more: a flood must not stop everything else.
constexpr int kMostPerTurn = 64;

class NotifySocket {
 public:
  NotifySocket(Napi::Env env, Descriptor fd, const Napi::Function& on_notification)
      : env_(env),
        fd_(std::move(fd)),
        on_notification_(Napi::Persistent(on_notification)),
        context_(env, "EmperorNotifySocket") {}

  /** Starts polling; from then on `self` is held until the loop has let go of the poll handle. Returns a uv code. */
  static int Open(const std::shared_ptr<NotifySocket>& self) {
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
    on_notification_.Reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), OnClosed);
    // uv_close has taken the number off epoll already, which must happen before it can be used again.
    fd_.Close();
  }

 private:
  static void OnReadable(uv_poll_t* poll, int status, int) {
    auto* socket = static_cast<NotifySocket*>(poll->data);
    if (status < 0) {
      socket->Close();
      return;
    }
    for (int count = 0; count < kMostPerTurn && !socket->is_closed_; count++) {
      if (!socket->ReceiveOne()) return;
    }
  }

  static void OnClosed(uv_handle_t* handle) {
    auto* socket = static_cast<NotifySocket*>(handle->data);
    // Last use of `socket` in this file; the closure that JavaScript calls close() by may hold it for longer.
    const std::shared_ptr<NotifySocket> self = std::move(socket->self_);
    if (self->cleanup_hook_ != nullptr) napi_remove_async_cleanup_hook(self->cleanup_hook_);
  }

  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
    static_cast<NotifySocket*>(data)->Close();
  }

  /** False where nothing more is there. */
  bool ReceiveOne() {
    char text[kLongestText];
    // Descriptors are closed at the end of this function, after the callback: sd_notify_barrier(3) sends one and
    // waits for that, so by then everything that was sent before it has been heard.
    Ancillary ancillary;
    int flags = 0;
    const ssize_t received = ReceiveMessage(fd_.Get(), {text, sizeof(text)}, &ancillary, &flags);
    if (received == -1) return false;
    const bool is_whole = (flags & MSG_TRUNC) == 0;
    // 0 is a sender outside of this process's pid namespace: nobody we could have started.
    if (!is_whole || ancillary.sender <= 0) return true;
    size_t length = static_cast<size_t>(received);
    // Some clients send their C string with its end.
    while (length > 0 && text[length - 1] == '\0') length--;
    return length == 0 || Tell(ancillary.sender, std::string(text, length));
  }

  bool Tell(pid_t pid, const std::string& text) {
    Napi::HandleScope scope(env_);
    Napi::Object notification = Napi::Object::New(env_);
    notification.Set("pid", Napi::Number::New(env_, pid));
    notification.Set("text", Napi::String::New(env_, text));
    on_notification_.MakeCallback(Napi::Object::New(env_), {notification}, context_);
    if (!env_.IsExceptionPending()) return true;
    // What the callback throws is an uncaught exception, as from any callback of Node's own.
    napi_fatal_exception(env_, env_.GetAndClearPendingException().Value());
    return true;
  }

  Napi::Env env_;
  Descriptor fd_;
  Napi::FunctionReference on_notification_;
  Napi::AsyncContext context_;
  uv_poll_t poll_{};
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  std::shared_ptr<NotifySocket> self_;
  bool is_closed_ = false;
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
  if (!info[1].IsFunction()) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"onNotification\" argument must be a function");
    return Napi::Value();
  }
  const auto address = UnixAddressOf(env, *path, AtSign::kAbstract);
  if (!address) return Napi::Value();

  Descriptor fd = OpenSocket(AF_UNIX, SOCK_DGRAM);
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "socket");
  if (!Bind(fd.Get(), *address)) return ThrowSystemError(env, errno, "bind", *path);
  const auto socket = std::make_shared<NotifySocket>(env, std::move(fd), info[1].As<Napi::Function>());
  const int code = NotifySocket::Open(socket);
  if (code != 0) {
    if (address->address.sun_path[0] != '\0') unlink(path->c_str());
    return ThrowSystemError(env, -code, "uv_poll", *path);
  }

  Napi::Object handle = Napi::Object::New(env);
  handle.Set("close", Napi::Function::New(
                          env, [socket](const Napi::CallbackInfo&) { socket->Close(); }, "close"));
  return handle;
}

#else

#include <cerrno>

#include "errors.h"

Napi::Value OpenNotifySocket(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "bind", "(only Linux tells who sent a datagram)");
}

#endif
