// The reactor as JavaScript sees it: native/reactor.ts says what each function means.
#include "../functions.h"

#if defined(__linux__)

#include <sys/epoll.h>
#include <uv.h>

#include <climits>
#include <cmath>
#include <memory>
#include <optional>

#include "../arguments.h"
#include "../errors.h"
#include "../socket.h"
#include "../tcp-address.h"
#include "reactor-watch.h"

namespace {

constexpr int kMostBytes = 1 << 30;
constexpr Range kNumbers{0, INT_MAX};
constexpr Range kPorts{1, 65535};

/** Reads the options one by one; once one was wrong it has thrown, and the rest is 0. */
class OptionReader {
 public:
  explicit OptionReader(const Napi::Object& options) : options_(options) {}

  uint32_t Number(const char* name, Range range) {
    if (has_thrown_) return 0;
    const auto value = IntegerValue(options_.Get(name), name, range);
    has_thrown_ = !value.has_value();
    return static_cast<uint32_t>(value.value_or(0));
  }

  bool HasThrown() const { return has_thrown_; }

 private:
  Napi::Object options_;
  bool has_thrown_ = false;
};

std::optional<ReactorLimits> LimitsArgument(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) {
    ThrowTypeError(info.Env(), "ERR_INVALID_ARG_TYPE", "The \"options\" argument must be an object");
    return std::nullopt;
  }
  OptionReader options(info[0].As<Napi::Object>());
  ReactorLimits limits{};
  limits.read_bytes = options.Number("readBytes", {1, kMostBytes / 4});
  // Less would never have room for a single read, and the loop would spin.
  const int least_slab = static_cast<int>(2 * (limits.read_bytes + kSlabAlignment));
  limits.slab_bytes = options.Number("slabBytes", {least_slab, kMostBytes});
  limits.outgoing_bytes = options.Number("outgoingBytes", {1, kMostBytes});
  limits.most_events = options.Number("mostEvents", {kMostRecordsAtOnce, 1 << 20});
  limits.most_commands = options.Number("mostCommands", {1, 1 << 20});
  limits.streams.capacity = options.Number("capacity", {1, 1 << 24});
  limits.streams.most_pending_bytes = options.Number("mostPendingBytes", {0, kMostBytes});
  if (options.HasThrown()) return std::nullopt;
  return limits;
}

using Watch = std::shared_ptr<ReactorWatch>;

/** EBADF for what can be of no use once the reactor is closed. */
Reactor* OpenOrThrow(Napi::Env env, const Watch& watch) {
  Reactor* reactor = watch->Open();
  if (reactor == nullptr) ThrowSystemError(env, EBADF, "epoll_ctl", "(the reactor is closed)");
  return reactor;
}

Napi::Value Execute(const Napi::CallbackInfo& info, const Watch& watch) {
  const auto count = IntegerArgument(info, 0, "commandCount", kNumbers);
  if (count) watch->Execute(static_cast<uint32_t>(*count));
  watch->Settle();
  return info.Env().Undefined();
}

Napi::Value Listen(const Napi::CallbackInfo& info, const Watch& watch) {
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  Reactor* reactor = OpenOrThrow(info.Env(), watch);
  if (reactor == nullptr) return Napi::Value();
  const int32_t number = reactor->GetListeners().Add(*fd, info[1].ToBoolean().Value());
  if (number < 0) return ThrowSystemError(info.Env(), -number, "listen");
  return Napi::Number::New(info.Env(), number);
}

Napi::Value MuteListener(const Napi::CallbackInfo& info, const Watch& watch) {
  const auto number = IntegerArgument(info, 0, "listener", kNumbers);
  if (!number) return Napi::Value();
  Reactor* reactor = OpenOrThrow(info.Env(), watch);
  if (reactor == nullptr) return Napi::Value();
  const int error = reactor->GetListeners().SetMuted(*number, info[1].ToBoolean().Value());
  watch->Settle();
  if (error != 0) return ThrowSystemError(info.Env(), error, "epoll_ctl");
  return info.Env().Undefined();
}

Napi::Value CloseListener(const Napi::CallbackInfo& info, const Watch& watch) {
  const auto number = IntegerArgument(info, 0, "listener", kNumbers);
  if (!number) return Napi::Value();
  if (Reactor* reactor = watch->Open()) reactor->GetListeners().Remove(*number);
  watch->Settle();
  return info.Env().Undefined();
}

Napi::Value ConnectUnix(const Napi::CallbackInfo& info, const Watch& watch) {
  Napi::Env env = info.Env();
  const auto path = StringArgument(info, 0, "path");
  if (!path) return Napi::Value();
  Reactor* reactor = OpenOrThrow(env, watch);
  if (reactor == nullptr) return Napi::Value();
  // An answer rather than a throw: where a worker is comes from its configuration.
  if (path->size() >= sizeof(sockaddr_un::sun_path)) return Napi::Number::New(env, -ENAMETOOLONG);
  const auto address = UnixAddressOf(env, *path, AtSign::kFileName);
  if (!address) return Napi::Value();
  const auto* bytes = reinterpret_cast<const sockaddr*>(&address->address);
  const int32_t result = reactor->GetConnector().Connect(bytes, address->length);
  watch->Settle();
  return Napi::Number::New(env, result);
}

Napi::Value ConnectTcp(const Napi::CallbackInfo& info, const Watch& watch) {
  Napi::Env env = info.Env();
  const auto host = StringArgument(info, 0, "host");
  if (!host) return Napi::Value();
  const auto port = IntegerArgument(info, 1, "port", kPorts);
  if (!port) return Napi::Value();
  const auto address = TcpAddressOf(env, *host, *port);
  if (!address) return Napi::Value();
  Reactor* reactor = OpenOrThrow(env, watch);
  if (reactor == nullptr) return Napi::Value();
  const auto* bytes = reinterpret_cast<const sockaddr*>(&address->address);
  const int32_t result = reactor->GetConnector().Connect(bytes, address->length);
  watch->Settle();
  return Napi::Number::New(env, result);
}

Napi::Value StartRelay(const Napi::CallbackInfo& info, const Watch& watch) {
  Napi::Env env = info.Env();
  const auto from = IntegerArgument(info, 0, "from", kNumbers);
  if (!from) return Napi::Value();
  const auto to = IntegerArgument(info, 1, "to", kNumbers);
  if (!to) return Napi::Value();
  constexpr double kMostRelayed = 9007199254740991;
  const double bytes = info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : -1;
  if (!(bytes >= 0 && bytes <= kMostRelayed && std::floor(bytes) == bytes)) {
    ThrowRangeError(env, "The value of \"bytes\" must be a whole number from 0 to 2 ** 53 - 1");
    return Napi::Value();
  }
  Reactor* reactor = OpenOrThrow(env, watch);
  if (reactor == nullptr) return Napi::Value();
  const int error = reactor->GetRelays().Start(*from, *to, static_cast<uint64_t>(bytes));
  watch->Settle();
  if (error != 0) return ThrowSystemError(env, error, "relay");
  return env.Undefined();
}

Napi::Value StopRelay(const Napi::CallbackInfo& info, const Watch& watch) {
  const auto from = IntegerArgument(info, 0, "from", kNumbers);
  if (!from) return Napi::Value();
  if (Reactor* reactor = watch->Open()) reactor->GetRelays().Stop(*from);
  watch->Settle();
  return info.Env().Undefined();
}

Napi::Value RelayedBytes(const Napi::CallbackInfo& info, const Watch& watch) {
  const auto from = IntegerArgument(info, 0, "from", kNumbers);
  if (!from) return Napi::Value();
  Reactor* reactor = watch->Open();
  const uint64_t bytes = reactor == nullptr ? 0 : reactor->GetRelays().MovedBytes(*from);
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

Napi::Value Detach(const Napi::CallbackInfo& info, const Watch& watch) {
  const auto number = IntegerArgument(info, 0, "stream", kNumbers);
  if (!number) return Napi::Value();
  Reactor* reactor = watch->Open();
  const int fd = reactor == nullptr ? -1 : reactor->GetStreams().Detach(*number);
  watch->Settle();
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value Adopt(const Napi::CallbackInfo& info, const Watch& watch) {
  Napi::Env env = info.Env();
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  Reactor* reactor = OpenOrThrow(env, watch);
  if (reactor == nullptr) return Napi::Value();
  const int32_t result = reactor->GetConnector().Adopt(*fd);
  watch->Settle();
  if (result < 0) return ThrowSystemError(env, -result, "adopt");
  return Napi::Number::New(env, result);
}

Napi::Value Close(const Napi::CallbackInfo& info, const Watch& watch) {
  watch->Close();
  return info.Env().Undefined();
}

struct Method {
  const char* name;
  Napi::Value (*call)(const Napi::CallbackInfo& info, const Watch& watch);
};

constexpr Method kMethods[] = {
    {"execute", Execute},         {"listen", Listen},         {"muteListener", MuteListener},
    {"closeListener", CloseListener}, {"connectUnix", ConnectUnix}, {"connectTcp", ConnectTcp},
    {"relay", StartRelay},        {"stopRelay", StopRelay},   {"relayedBytes", RelayedBytes},
    {"detach", Detach},           {"adopt", Adopt},           {"close", Close},
};

Napi::Object ObjectOf(Napi::Env env, const Watch& watch, SharedArrays arrays) {
  Napi::Object object = Napi::Object::New(env);
  const auto bytes = [&](Napi::ArrayBuffer buffer) {
    return Napi::Uint8Array::New(env, buffer.ByteLength(), buffer, 0);
  };
  const auto records = [&](Napi::ArrayBuffer buffer) {
    return Napi::Int32Array::New(env, buffer.ByteLength() / sizeof(int32_t), buffer, 0);
  };
  object.Set("slab", bytes(arrays.slab));
  object.Set("outgoing", bytes(arrays.outgoing));
  object.Set("events", records(arrays.events));
  object.Set("commands", records(arrays.commands));
  object.Set("pending", Napi::Uint32Array::New(env, arrays.pending.ByteLength() / sizeof(uint32_t), arrays.pending, 0));
  for (const Method& method : kMethods) {
    const auto call = method.call;
    object.Set(method.name, Napi::Function::New(
                                env, [watch, call](const Napi::CallbackInfo& info) { return call(info, watch); },
                                method.name));
  }
  return object;
}

}  // namespace

Napi::Value CreateReactor(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto limits = LimitsArgument(info);
  if (!limits) return Napi::Value();
  const auto on_batch = FunctionArgument(info, 1, "onBatch");
  if (!on_batch) return Napi::Value();
  const SharedArrays arrays{
      Napi::ArrayBuffer::New(env, limits->slab_bytes),
      Napi::ArrayBuffer::New(env, limits->outgoing_bytes),
      Napi::ArrayBuffer::New(env, limits->most_events * sizeof(Record)),
      Napi::ArrayBuffer::New(env, limits->most_commands * sizeof(Record)),
      Napi::ArrayBuffer::New(env, limits->streams.capacity * sizeof(uint32_t)),
  };
  if (env.IsExceptionPending()) return Napi::Value();
  Descriptor epoll_fd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_fd.IsOpen()) return ThrowSystemError(env, errno, "epoll_create1");
  const auto watch = std::make_shared<ReactorWatch>(env, std::move(epoll_fd), arrays, *limits, *on_batch);
  const int error = watch->Open()->Open();
  if (error != 0) return ThrowSystemError(env, error, "eventfd");
  const int code = PollWatch::Open(watch);
  if (code != 0) return ThrowSystemError(env, -code, "uv_poll");
  return ObjectOf(env, watch, arrays);
}

#else

#include <cerrno>

#include "../errors.h"

Napi::Value CreateReactor(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "epoll_create1", "(epoll is a thing of Linux)");
}

#endif
