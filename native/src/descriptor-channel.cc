// Messages with boundaries, a descriptor beside each: what comes is told in order and to the last one, what is sent
// leaves at once or not at all. A descriptor that nobody is told of is closed here.
#include "descriptor-channel.h"

#include "functions.h"

#if defined(__linux__)

#include <uv.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ancillary.h"
#include "arguments.h"
#include "errors.h"

namespace {

constexpr size_t kLongestMessage = 64 * 1024;
constexpr size_t kMostDescriptors = 1;
// Then the loop gets its turn, and comes back at once if there is more.
constexpr int kMostPerTurn = 64;

/** The other end is slow: of bytes, of memory for them, or of descriptors that it has not received yet. */
bool IsFull(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

}  // namespace

DescriptorChannel::DescriptorChannel(Napi::Env env, Descriptor fd)
    : PollWatch(env, std::move(fd), "EmperorDescriptorChannel") {}

bool DescriptorChannel::SetHandler(Napi::Value handler) {
  const bool is_object = !handler.IsEmpty() && handler.IsObject();
  const Napi::Value on_message = is_object ? handler.As<Napi::Object>().Get("onMessage") : Napi::Value();
  const Napi::Value on_end = is_object ? handler.As<Napi::Object>().Get("onEnd") : Napi::Value();
  if (Env().IsExceptionPending()) return false;
  if (!is_object || !on_message.IsFunction() || !on_end.IsFunction()) {
    ThrowTypeError(Env(), "ERR_INVALID_ARG_TYPE", "The handler of a channel must have onMessage and onEnd");
    return false;
  }
  // Whoever closed the channel already wants to hear nothing.
  if (IsClosed()) return true;
  handler_ = Napi::Persistent(handler.As<Napi::Object>());
  on_message_ = Napi::Persistent(on_message.As<Napi::Function>());
  on_end_ = Napi::Persistent(on_end.As<Napi::Function>());
  return true;
}

Napi::Object DescriptorChannel::ObjectOf(Napi::Env env, const std::shared_ptr<DescriptorChannel>& channel) {
  Napi::Object object = CloserOf(env, channel);
  object.Set("send", Napi::Function::New(
                         env, [channel](const Napi::CallbackInfo& info) { return channel->Send(info); }, "send"));
  return object;
}

void DescriptorChannel::OnReadable() {
  for (int count = 0; count < kMostPerTurn && !IsClosed(); count++) {
    if (!ReceiveOne()) return;
  }
}

void DescriptorChannel::OnClose() {
  handler_.Reset();
  on_message_.Reset();
  on_end_.Reset();
}

/** False where nothing more is there now. */
bool DescriptorChannel::ReceiveOne() {
  uint8_t buffer[kLongestMessage];
  Ancillary ancillary;
  int flags = 0;
  const ssize_t received = ReceiveMessage(Fd(), {buffer, sizeof(buffer)}, &ancillary, &flags);
  if (received == -1) {
    // The other end went without having read all of ours. What it sent before that is still to be had.
    if (errno == ECONNRESET) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) End(errno);
    return false;
  }
  if (received == 0) {
    End(0);
    return false;
  }
  if ((flags & MSG_TRUNC) != 0 || ancillary.descriptors.size() > kMostDescriptors) {
    End(EMSGSIZE);
    return false;
  }
  // MSG_CTRUNC: there was no room for the descriptor, which the receiver sees by its absence.
  Napi::HandleScope scope(Env());
  Napi::Array descriptors = Napi::Array::New(Env(), ancillary.descriptors.size());
  uint32_t position = 0;
  for (Descriptor& descriptor : ancillary.descriptors) {
    descriptors.Set(position++, Napi::Number::New(Env(), descriptor.Release()));
  }
  const auto bytes = Napi::Buffer<uint8_t>::Copy(Env(), buffer, static_cast<size_t>(received));
  Call(on_message_.Value(), {bytes, descriptors}, handler_.Value());
  return true;
}

/** `error` is an errno; 0: a regular end. */
void DescriptorChannel::End(int error) {
  Napi::HandleScope scope(Env());
  const Napi::Function on_end = on_end_.Value();
  const Napi::Object handler = handler_.Value();
  Close();
  const Napi::Value code =
      error == 0 ? Env().Undefined() : Napi::Value(Napi::String::New(Env(), uv_err_name(-error)));
  Call(on_end, {code}, handler);
}

Napi::Value DescriptorChannel::Send(const Napi::CallbackInfo& info) {
  auto bytes = BytesArgument(info, 0, kLongestMessage);
  if (!bytes) return Napi::Value();
  const auto descriptors = DescriptorsArgument(info, 1, kMostDescriptors);
  if (!descriptors) return Napi::Value();
  if (IsClosed()) return ThrowSystemError(info.Env(), EPIPE, "sendmsg");
  if (SendMessage(Fd(), {bytes->Data(), bytes->ByteLength()}, *descriptors) != -1) {
    return Napi::Boolean::New(info.Env(), true);
  }
  if (!IsFull(errno)) return ThrowSystemError(info.Env(), errno, "sendmsg");
  return Napi::Boolean::New(info.Env(), false);
}

Napi::Value ConnectChannel(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto path = StringArgument(info, 0, "path");
  if (!path) return Napi::Value();
  const auto address = UnixAddressOf(env, *path, AtSign::kFileName);
  if (!address) return Napi::Value();

  Descriptor fd = OpenSocket(AF_UNIX, SOCK_SEQPACKET);
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "socket");
  const auto* name = reinterpret_cast<const sockaddr*>(&address->address);
  if (Retry([&] { return connect(fd.Get(), name, address->length); }) == -1) {
    return ThrowSystemError(env, errno, "connect", *path);
  }
  const auto channel = std::make_shared<DescriptorChannel>(env, std::move(fd));
  if (!channel->SetHandler(info[1])) return Napi::Value();
  const int code = PollWatch::Open(channel);
  if (code != 0) return ThrowSystemError(env, -code, "uv_poll", *path);
  return DescriptorChannel::ObjectOf(env, channel);
}

#else

#include <cerrno>

#include "errors.h"

Napi::Value ConnectChannel(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "connect", "(channels are offered on Linux only)");
}

#endif
