// Bytes that go from one stream to another without a call into TypeScript.
#ifndef EMPEROR_NATIVE_REACTOR_RELAYS_H_
#define EMPEROR_NATIVE_REACTOR_RELAYS_H_

#include <cstdint>
#include <memory>

#include "pipe.h"
#include "way-trial.h"

struct Relay {
  int32_t to;
  uint64_t left;
  uint64_t moved;
  /** What goes through it stays in the kernel. Null: bytes are copied. */
  std::unique_ptr<Pipe> pipe;
  /** Where it is not known beforehand that the pipe is the cheaper way. */
  std::unique_ptr<WayTrial> trial;
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
  /** The queue of this stream is empty, and its peer may take more. */
  void OnDrained(int32_t to);
  /** The stream goes: relays to it and from it end. */
  void OnGone(int32_t number);

 private:
  /** Copied by one read. */
  static constexpr uint32_t kScratchBytes = 256 * 1024;

  void ChooseWay(int32_t from);
  /** Each is false where the relay waits, or is over. */
  bool Move(int32_t from, uint64_t most);
  bool MoveOnTrial(int32_t from, uint64_t most);
  bool MoveByCopy(int32_t from, uint64_t most);
  bool MoveByPipe(int32_t from, uint64_t most);
  bool EmptyPipe(int32_t from);
  /** `missing`: so much less came than was asked for. */
  bool OnMoved(int32_t from, uint64_t missing);
  /** Reading got nothing: the end, a fault, or nothing now. */
  void OnNothing(int32_t from, ssize_t result);
  void Finish(int32_t from, bool is_destination_there);
  /** What is left in the pipe goes the way of what is written. */
  void Spill(Pipe& pipe, int32_t to);

  Streams* streams_;
  std::unique_ptr<uint8_t[]> scratch_;
};

#endif  // EMPEROR_NATIVE_REACTOR_RELAYS_H_
