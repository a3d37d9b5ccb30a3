// Who is at the other end of a connected unix socket, as the kernel recorded it when the connection was made.
// The pid may have ended since, and its number may belong to another process by now.
#include <sys/types.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/ucred.h>
#endif

#include "arguments.h"
#include "errors.h"
#include "functions.h"
#include "socket.h"

namespace {

struct Credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

/** Returns 0 or an errno. */
int ReadPeer(int fd, Credentials* peer) {
#if defined(__linux__)
  ucred found{};
  socklen_t length = sizeof(found);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &length) == -1) return errno;
  // Linux answers for a socket without a peer, and for a TCP one, with pid 0 and the impossible user -1.
  if (found.uid == static_cast<uid_t>(-1)) return ENOTCONN;
  *peer = {found.pid, found.uid, found.gid};
  return 0;
#elif defined(__APPLE__)
  xucred found{};
  socklen_t length = sizeof(found);
  if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &found, &length) == -1) return errno;
  pid_t pid = 0;
  length = sizeof(pid);
  if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &length) == -1) return errno;
  *peer = {pid, found.cr_uid, found.cr_ngroups > 0 ? found.cr_groups[0] : static_cast<gid_t>(-1)};
  return 0;
#else
  (void)fd;
  (void)peer;
  return ENOTSUP;
#endif
}

}  // namespace

Napi::Value PeerCredentials(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  Credentials peer{};
  const int error = ReadPeer(*fd, &peer);
  if (error != 0) return ThrowSystemError(env, error, "getsockopt");
  Napi::Object result = Napi::Object::New(env);
  result.Set("pid", Napi::Number::New(env, peer.pid));
  result.Set("uid", Napi::Number::New(env, peer.uid));
  result.Set("gid", Napi::Number::New(env, peer.gid));
  return result;
}
