// Sockets and unix addresses. Nothing here unlinks a file that it did not make, or knows what a socket is for.
#include "socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "errors.h"

namespace {

/**
 * chmod that follows no symbolic link: whoever may write to the directory could put one in the socket's place, and
 * this process may be root.
 */
bool SetFileMode(const char* path, mode_t mode) {
#if defined(__linux__)
  // Linux has no chmod for a link's own sake before fchmodat2 (6.6), but lets one go through an O_PATH descriptor.
  const Descriptor file(open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status;
  if (!file.IsOpen() || fstat(file.Get(), &status) == -1) return false;
  if (!S_ISSOCK(status.st_mode)) {
    errno = EEXIST;
    return false;
  }
  if ((status.st_mode & 07777) == mode) return true;
  return chmod(("/proc/self/fd/" + std::to_string(file.Get())).c_str(), mode) == 0;
#else
  return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0;
#endif
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = other.Release();
  }
  return *this;
}

void Descriptor::Close() {
  // Never repeated after EINTR: Linux has freed the number by then, and another thread may own it already.
  if (IsOpen()) close(Release());
}

std::optional<UnixAddress> UnixAddressOf(Napi::Env env, const std::string& path, AtSign at_sign) {
  UnixAddress result{};
  // One byte stays for the NUL: Linux would do without it, but /proc/net/unix and most programs would not.
  const size_t longest = sizeof(result.address.sun_path) - 1;
  if (path.size() > longest) {
    ThrowRangeError(env, "The path of a unix socket has at most " + std::to_string(longest) + " bytes, this one " +
                             std::to_string(path.size()) + ": " + path);
    return std::nullopt;
  }
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path, path.data(), path.size());
  const bool is_abstract = at_sign == AtSign::kAbstract && path[0] == '@';
  if (is_abstract) result.address.sun_path[0] = '\0';
  // An abstract name is as long as the address says; a NUL counted with it would make it another name.
  const size_t name_length = path.size() + (is_abstract ? 0 : 1);
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_length);
  return result;
}

Descriptor OpenSocket(int domain, int type) {
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
  return Descriptor(socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
#else
  Descriptor fd(socket(domain, type, 0));
  if (fd.IsOpen() && !(MakeCloseOnExec(fd.Get()) && MakeNonBlocking(fd.Get()))) {
    const int error = errno;
    fd.Close();
    errno = error;
  }
  return fd;
#endif
}

// umask() would give the mode too, but belongs to the whole process: another thread's files would get it meanwhile.
// Linux makes the file with the mode of the socket's own inode, less the umask (unix_bind_bsd), hence fchmod before
// bind; what the umask took is given back after it. A socket that does not listen yet refuses every connection, so
// that is early enough also where fchmod does nothing for a socket (macOS: EINVAL).
bool BindUnixSocket(int fd, const UnixAddress& address, mode_t mode) {
  const bool is_file = address.address.sun_path[0] != '\0';
  if (is_file && fchmod(fd, mode) == -1 && errno != EINVAL) return false;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address.address), address.length) == -1) return false;
  if (!is_file || SetFileMode(address.address.sun_path, mode)) return true;
  const int error = errno;
  unlink(address.address.sun_path);
  errno = error;
  return false;
}

bool MakeCloseOnExec(int fd) {
  const int flags = fcntl(fd, F_GETFD);
  return flags != -1 && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != -1;
}

bool MakeNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != -1;
}

bool MakeBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags != -1 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != -1;
}
