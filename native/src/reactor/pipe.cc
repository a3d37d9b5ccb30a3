// splice(2). Pipes are made when they are needed: that takes microseconds, and one that is kept holds two descriptors.
#include "pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <utility>

namespace {

/** Half of what Linux lets one user have in pipes of this size (fs.pipe-user-pages-soft). */
constexpr int kMostPipes = 32;
/** Of all reactors of this process, each of which may live in a thread of its own. */
std::atomic<int> pipe_count{0};

}  // namespace

std::unique_ptr<Pipe> Pipe::Open() {
  if (pipe_count >= kMostPipes) return nullptr;
  int fds[2];
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1) return nullptr;
  Descriptor reading(fds[0]);
  Descriptor writing(fds[1]);
  // A smaller one does as well, only more slowly.
  fcntl(writing.Get(), F_SETPIPE_SZ, static_cast<int>(kBytes));
  return std::unique_ptr<Pipe>(new (std::nothrow) Pipe(std::move(reading), std::move(writing)));
}

Pipe::Pipe(Descriptor reading, Descriptor writing) : reading_(std::move(reading)), writing_(std::move(writing)) {
  pipe_count++;
}

Pipe::~Pipe() { pipe_count--; }

ssize_t Pipe::Fill(int socket, size_t most) {
  const ssize_t result = Retry(
      [&] { return splice(socket, nullptr, writing_.Get(), nullptr, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE); });
  if (result > 0) held_ += static_cast<size_t>(result);
  return result;
}

// Node ignores SIGPIPE from its start: splice knows no MSG_NOSIGNAL.
ssize_t Pipe::Empty(int socket) {
  const ssize_t result = Retry(
      [&] { return splice(reading_.Get(), nullptr, socket, nullptr, held_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE); });
  if (result > 0) held_ -= static_cast<size_t>(result);
  return result;
}

ssize_t Pipe::Read(uint8_t* bytes, size_t most) {
  const ssize_t result = Retry([&] { return read(reading_.Get(), bytes, most); });
  if (result > 0) held_ -= static_cast<size_t>(result);
  return result;
}
