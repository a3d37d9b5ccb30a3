// A descriptor with an owner, how sockets are made here (close-on-exec and non-blocking from their first moment),
// and the addresses they are bound to.
#ifndef EMPEROR_NATIVE_SOCKET_H_
#define EMPEROR_NATIVE_SOCKET_H_

#include <napi.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

/** Closes its descriptor when it goes, unless released to another owner. */
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }

  int Get() const { return fd_; }
  bool IsOpen() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close();

 private:
  int fd_;
};

struct UnixAddress {
  sockaddr_un address;
  socklen_t length;
};

/** Whether a leading `@` means Linux's abstract namespace, as in NOTIFY_SOCKET, or is part of a file's name. */
enum class AtSign { kAbstract, kFileName };

/** The address of a unix socket; throws a RangeError for a path that does not fit, and returns nothing then. */
std::optional<UnixAddress> UnixAddressOf(Napi::Env env, const std::string& path, AtSign at_sign);

/** A new socket, close-on-exec and non-blocking; not open (and errno set) on failure. */
Descriptor OpenSocket(int domain, int type);

/**
 * Binds a unix socket so that its file never has a wider mode than wanted, and has exactly that mode when this
 * returns. Returns false with errno set, and then has left no file behind. An abstract address has no file.
 */
bool BindUnixSocket(int fd, const UnixAddress& address, mode_t mode);

/** For descriptors of systems that cannot set both at creation. Returns false with errno set. */
bool MakeCloseOnExec(int fd);
bool MakeNonBlocking(int fd);
bool MakeBlocking(int fd);

/** Calls a system call again as long as a signal interrupts it. */
template <typename Call>
auto Retry(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

#endif  // EMPEROR_NATIVE_SOCKET_H_
