// Descriptors passed from process to process over a connected unix socket, and the plain handling of their numbers.
// Nothing waits: a full or empty socket is an answer. What is received and not handed to JavaScript is closed.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "ancillary.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "socket.h"

namespace {

constexpr size_t kMostDescriptors = 64;
constexpr size_t kReceiveBytes = 64 * 1024;

}  // namespace

Napi::Value SendDescriptors(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  auto bytes = BytesArgument(info, 1, SIZE_MAX);
  if (!bytes) return Napi::Value();
  const auto descriptors = DescriptorsArgument(info, 2, kMostDescriptors);
  if (!descriptors) return Napi::Value();

  const ssize_t sent = SendMessage(*fd, {bytes->Data(), bytes->ByteLength()}, *descriptors);
  if (sent == -1) return ThrowSystemError(env, errno, "sendmsg");
  return Napi::Number::New(env, static_cast<double>(sent));
}

Napi::Value ReceiveDescriptors(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();

  uint8_t buffer[kReceiveBytes];
  Ancillary ancillary;
  int flags = 0;
  const ssize_t received = ReceiveMessage(*fd, {buffer, sizeof(buffer)}, &ancillary, &flags);
  if (received == -1) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return env.Undefined();
    return ThrowSystemError(env, errno, "recvmsg");
  }
  // A list that is not whole is useless: nobody could tell which descriptor is which. What came is closed here.
  if ((flags & MSG_CTRUNC) != 0) {
    return ThrowSystemError(env, EMSGSIZE, "recvmsg", "(descriptors were lost: is this process at its limit of open files?)");
  }
  if ((flags & MSG_TRUNC) != 0) return ThrowSystemError(env, EMSGSIZE, "recvmsg", "(bytes were lost)");
  if (ancillary.descriptors.size() > kMostDescriptors) {
    return ThrowSystemError(env, EMSGSIZE, "recvmsg",
                            "(" + std::to_string(ancillary.descriptors.size()) + " descriptors with one message)");
  }

  Napi::Array descriptors = Napi::Array::New(env, ancillary.descriptors.size());
  uint32_t position = 0;
  for (Descriptor& descriptor : ancillary.descriptors) {
    descriptors.Set(position++, Napi::Number::New(env, descriptor.Release()));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("bytes", Napi::Buffer<uint8_t>::Copy(env, buffer, static_cast<size_t>(received)));
  result.Set("descriptors", descriptors);
  return result;
}

Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fds[2];
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
  constexpr int kType = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
#else
  constexpr int kType = SOCK_STREAM;
#endif
  if (socketpair(AF_UNIX, kType, 0, fds) == -1) return ThrowSystemError(env, errno, "socketpair");
  Descriptor ends[2] = {Descriptor(fds[0]), Descriptor(fds[1])};
#if !defined(SOCK_CLOEXEC) || !defined(SOCK_NONBLOCK)
  for (const Descriptor& end : ends) {
    if (!MakeCloseOnExec(end.Get()) || !MakeNonBlocking(end.Get())) return ThrowSystemError(env, errno, "fcntl");
  }
#endif
  Napi::Array pair = Napi::Array::New(env, 2);
  for (uint32_t position = 0; position < 2; position++) {
    pair.Set(position, Napi::Number::New(env, ends[position].Release()));
  }
  return pair;
}

Napi::Value CreatePipe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fds[2];
#if defined(__linux__)
  if (pipe2(fds, O_CLOEXEC) == -1) return ThrowSystemError(env, errno, "pipe2");
#else
  if (pipe(fds) == -1) return ThrowSystemError(env, errno, "pipe");
#endif
  Descriptor ends[2] = {Descriptor(fds[0]), Descriptor(fds[1])};
  for (const Descriptor& end : ends) {
    if (!MakeCloseOnExec(end.Get())) return ThrowSystemError(env, errno, "fcntl");
  }
  // Each end is an open file of its own, so the reader's mode is not the writer's.
  if (!MakeNonBlocking(ends[0].Get())) return ThrowSystemError(env, errno, "fcntl");
  Napi::Array pair = Napi::Array::New(env, 2);
  for (uint32_t position = 0; position < 2; position++) {
    pair.Set(position, Napi::Number::New(env, ends[position].Release()));
  }
  return pair;
}

Napi::Value CloseDescriptor(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  // EINTR is success: Linux has freed the number by then, and a second close could hit somebody else's file.
  if (close(*fd) == -1 && errno != EINTR) return ThrowSystemError(env, errno, "close");
  return env.Undefined();
}

Napi::Value DuplicateDescriptor(const Napi::CallbackInfo& info) {
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  const int copy = Retry([&] { return fcntl(*fd, F_DUPFD_CLOEXEC, 0); });
  if (copy == -1) return ThrowSystemError(info.Env(), errno, "fcntl");
  return Napi::Number::New(info.Env(), copy);
}

Napi::Value SetBlocking(const Napi::CallbackInfo& info) {
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  if (!MakeBlocking(*fd)) return ThrowSystemError(info.Env(), errno, "fcntl");
  return info.Env().Undefined();
}

Napi::Value SetCloseOnExec(const Napi::CallbackInfo& info) {
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  if (!MakeCloseOnExec(*fd)) return ThrowSystemError(info.Env(), errno, "fcntl");
  return info.Env().Undefined();
}
