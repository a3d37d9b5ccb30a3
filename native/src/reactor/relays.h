// Bytes that go from one stream to another without a call into TypeScript.
#ifndef EMPEROR_NATIVE_REACTOR_RELAYS_H_
#define EMPEROR_NATIVE_REACTOR_RELAYS_H_

#include <cstdint>
#include <memory>

struct Relay {
  int32_t to;
  uint64_t left;
  uint64_t moved;
};

class Streams;

class Relays {
 public:
  explicit Relays(Streams* streams) : streams_(streams) {}

  /** Returns 0 or an errno: EBUSY where one of the two relays already, EINVAL for a stream to itself, ENOMEM. */
  int Start(int32_t from, int32_t to, uint64_t bytes);
  void Stop(int32_t from);
  uint64_t MovedBytes(int32_t from) const;

  /** The reading side has something, or its end. Events are open. */
  void OnReadable(int32_t from);
  /** Nothing waits for this stream's peer any more. */
  void OnDrained(int32_t to);
  /** The stream goes: relays to it and from it end. */
  void OnGone(int32_t number);

 private:
  /** Bytes moved by one read. */
  static constexpr uint32_t kScratchBytes = 256 * 1024;

  void Finish(int32_t from);
  /** False where the relay waits, or is over. */
  bool MoveOnce(int32_t from, uint64_t most);

  Streams* streams_;
  std::unique_ptr<uint8_t[]> scratch_;
};

#endif  // EMPEROR_NATIVE_REACTOR_RELAYS_H_
