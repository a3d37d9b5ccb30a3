// A pipe between two sockets: what is spliced through it is never copied into this process.
#ifndef EMPEROR_NATIVE_REACTOR_PIPE_H_
#define EMPEROR_NATIVE_REACTOR_PIPE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "../socket.h"

class Pipe {
 public:
  static constexpr size_t kBytes = 1024 * 1024;

  /** Null where there are enough of them, or the kernel gives none. */
  static std::unique_ptr<Pipe> Open();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe();

  /** Bytes that are in it. */
  size_t Held() const { return held_; }
  /** Both as splice(2): bytes moved, or -1 and errno. The pipe must be empty to be filled. */
  ssize_t Fill(int socket, size_t most);
  ssize_t Empty(int socket);
  /** Takes bytes out, as read(2). */
  ssize_t Read(uint8_t* bytes, size_t most);

 private:
  Pipe(Descriptor reading, Descriptor writing);

  Descriptor reading_;
  Descriptor writing_;
  size_t held_ = 0;
};

#endif  // EMPEROR_NATIVE_REACTOR_PIPE_H_
