// The sending end of sd_notify(3): one datagram from a socket that lives for that datagram only. The kernel adds
// the sender's credentials for a receiver that asked for them.
#include <sys/socket.h>

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "socket.h"

Napi::Value SendNotification(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto path = StringArgument(info, 0, "path");
  if (!path) return Napi::Value();
  const auto text = StringArgument(info, 1, "text");
  if (!text) return Napi::Value();
  const auto address = UnixAddressOf(env, *path, AtSign::kAbstract);
  if (!address) return Napi::Value();

  const Descriptor fd = OpenSocket(AF_UNIX, SOCK_DGRAM);
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "socket");
#if defined(MSG_NOSIGNAL)
  constexpr int kFlags = MSG_NOSIGNAL;
#else
  constexpr int kFlags = 0;
#endif
  const ssize_t sent = Retry([&] {
    return sendto(fd.Get(), text->data(), text->size(), kFlags, reinterpret_cast<const sockaddr*>(&address->address),
                  address->length);
  });
  if (sent == -1) return ThrowSystemError(env, errno, "sendto", *path);
  return env.Undefined();
}
