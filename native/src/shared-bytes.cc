// Memory that two processes see: an anonymous file, sealed so that its size is for ever what it was made with. Without
// the seals whoever has the descriptor could cut it short, and the next look at it would end this process by SIGBUS.
#include "functions.h"

#if defined(__linux__)

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "arguments.h"
#include "errors.h"
#include "socket.h"

#if !defined(MFD_NOEXEC_SEAL)
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace {

constexpr Range kSizes{1, 1 << 30};

Descriptor CreateMemory() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // A kernel before 6.3 does not know the flag; a hardened one of later (vm.memfd_noexec) takes nothing without it.
  const int fd = memfd_create("emperor-shared-bytes", kFlags | MFD_NOEXEC_SEAL);
  if (fd != -1 || errno != EINVAL) return Descriptor(fd);
  return Descriptor(memfd_create("emperor-shared-bytes", kFlags));
}

/** A Uint8Array over the file's first bytes; throws and returns an empty value on failure. */
Napi::Value Map(Napi::Env env, int fd, size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return ThrowSystemError(env, errno, "mmap");
  const auto buffer =
      Napi::ArrayBuffer::New(env, memory, size, [size](Napi::Env, void* data) { munmap(data, size); });
  if (env.IsExceptionPending()) {
    munmap(memory, size);
    return Napi::Value();
  }
  return Napi::Uint8Array::New(env, size, buffer, 0);
}

}  // namespace

Napi::Value CreateSharedBytes(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto size = IntegerArgument(info, 0, "size", kSizes);
  if (!size) return Napi::Value();
  Descriptor fd = CreateMemory();
  if (!fd.IsOpen()) return ThrowSystemError(env, errno, "memfd_create");
  if (ftruncate(fd.Get(), *size) == -1) return ThrowSystemError(env, errno, "ftruncate");
  if (fcntl(fd.Get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1) {
    return ThrowSystemError(env, errno, "fcntl");
  }
  const Napi::Value bytes = Map(env, fd.Get(), static_cast<size_t>(*size));
  if (bytes.IsEmpty()) return bytes;
  Napi::Object result = Napi::Object::New(env);
  result.Set("bytes", bytes);
  result.Set("fd", Napi::Number::New(env, fd.Release()));
  return result;
}

Napi::Value MapSharedBytes(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto fd = DescriptorArgument(info, 0);
  if (!fd) return Napi::Value();
  const auto size = IntegerArgument(info, 1, "size", kSizes);
  if (!size) return Napi::Value();
  const int seals = fcntl(*fd, F_GET_SEALS);
  if (seals == -1) return ThrowSystemError(env, errno, "fcntl");
  struct stat status;
  if (fstat(*fd, &status) == -1) return ThrowSystemError(env, errno, "fstat");
  if ((seals & F_SEAL_SHRINK) == 0 || status.st_size < *size) {
    return ThrowSystemError(env, EINVAL, "mmap", "(it must be sealed against shrinking, and as large as that)");
  }
  return Map(env, *fd, static_cast<size_t>(*size));
}

#else

#include <cerrno>

#include "errors.h"

Napi::Value CreateSharedBytes(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "memfd_create", "(sealed memory is a thing of Linux)");
}

Napi::Value MapSharedBytes(const Napi::CallbackInfo& info) {
  return ThrowSystemError(info.Env(), ENOTSUP, "mmap", "(sealed memory is a thing of Linux)");
}

#endif
