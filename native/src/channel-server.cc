// Where channels are taken up: a listening SEQPACKET unix socket in the event loop.
#include "functions.h"

#if defined(__linux__)

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "arguments.h"
#include "descriptor-channel.h"
#include "errors.h"
#include "poll-watch.h"
#include "socket.h"

namespace {

// Each router connects once.
constexpr int kBacklog = 128;
constexpr int kMostPerTurn = 16;
constexpr Range kModes{0, 0777};

/** A descriptor to give up when the process is at its limit: without one, a connection could not even be refused. */
Descriptor OpenReserve() { return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool IsWantOfDescriptors(int error) { return error == EMFILE || error == ENFILE; }

class ChannelServer : public PollWatch {
 public:
  ChannelServer(Napi::Env env, Descriptor fd, const Napi::Function& on_channel)
      : PollWatch(env, std::move(fd), "EmperorChannelServer"),
        on_channel_(Napi::Persistent(on_channel)),
        reserve_(OpenReserve()) {}

 private:
  void OnReadable() override {
    for (int count = 0; count < kMostPerTurn && !IsClosed(); count++) {
      Descriptor fd(Accept());
      if (fd.IsOpen()) {
        TakeUp(std::move(fd));
      } else if (IsWantOfDescriptors(errno) && reserve_.IsOpen()) {
        Refuse();
      } else if (errno != ECONNABORTED) {
        return;
      }
    }
  }

  void OnClose() override {
    on_channel_.Reset();
    reserve_.Close();
  }

  int Accept() const {
    return Retry([&] { return accept4(Fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
  }

  /** It would be reported for ever if it stayed in the queue. */
  void Refuse() {
    reserve_.Close();
    Descriptor(Accept()).Close();
    reserve_ = OpenReserve();
  }

  void TakeUp(Descriptor fd) {
    Napi::HandleScope scope(Env());
    const auto channel = std::make_shared<DescriptorChannel>(Env(), std::move(fd));
    // Nothing is told before the loop runs again, and by then there is a handler.
    if (Open(channel) != 0) return;
    const Napi::Value handler = Call(on_channel_.Value(), {DescriptorChannel::ObjectOf(Env(), channel)});
    if (!handler.IsEmpty() && channel->SetHandler(handler)) return;
    channel->Close();
    if (Env().IsExceptionPending()) napi_fatal_exception(Env(), Env().GetAndClearPendingException().Value());
  }

  Napi::FunctionReference on_channel_;
  Descriptor reserve_;
};

}  // namespace

Napi::Value OpenChannelServer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto path = StringArgument(info, 0, "path");
  if (!path) return Napi::Value();
  const auto mode = IntegerArgument(info, 1, "mode", kModes);
  if (!mode) return Napi::Value();
  const auto on_channel = FunctionArgument(info, 2, "onChannel");
  if (!on_channel) return Napi::Value();
  const auto address = UnixAddressOf(env, *path, AtSign::kFileName);
  if (!address) return Napi::Value();

  Descriptor fd = OpenSocket(AF_UNIX, SOCK_SEQPACKET);
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "socket");
  if (!BindUnixSocket(fd.Get(), *address, static_cast<mode_t>(*mode))) {
    return ThrowSystemError(env, errno, "bind", *path);
  }
  int error = listen(fd.Get(), kBacklog) == -1 ? errno : 0;
  if (error == 0) {
    const auto server = std::make_shared<ChannelServer>(env, std::move(fd), *on_channel);
    error = -PollWatch::Open(server);
    if (error == 0) return CloserOf(env, server);
  }
  unlink(path->c_str());
  return ThrowSystemError(env, error, "listen", *path);
}

#else

#include <cerrno>

#include "errors.h"

Napi::Value OpenChannelServer(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "bind", "(channels are offered on Linux only)");
}

#endif
