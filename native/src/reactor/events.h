// What happened in one wake-up, on its way to TypeScript: records, and the received bytes in the slab.
#ifndef EMPEROR_NATIVE_REACTOR_EVENTS_H_
#define EMPEROR_NATIVE_REACTOR_EVENTS_H_

#include <cstddef>
#include <cstdint>

#include "protocol.h"

/** The most records that come of handling one readiness: of the stream itself and of the one that it relays with. */
constexpr uint32_t kMostRecordsAtOnce = 8;
/** A cache line: what two streams received shares none. */
constexpr uint32_t kSlabAlignment = 64;

class Events {
 public:
  Events(Record* records, uint32_t most, uint8_t* slab, uint32_t slab_bytes, uint32_t read_bytes)
      : records_(records), most_(most), slab_(slab), slab_bytes_(slab_bytes), read_bytes_(read_bytes) {}

  /** From now on events may be added, until Close. */
  void Open() {
    count_ = 0;
    slab_used_ = 0;
    is_open_ = true;
  }
  void Close() { is_open_ = false; }
  bool IsOpen() const { return is_open_; }
  uint32_t Count() const { return count_; }

  /** Whether one more readiness can be handled, with two reads of the full length. */
  bool HasRoom() const {
    return count_ + kMostRecordsAtOnce <= most_ && slab_bytes_ - slab_used_ >= 2 * (read_bytes_ + kSlabAlignment);
  }

  void Add(EventKind kind, int32_t stream, int32_t a = 0, int32_t b = 0) { records_[count_++] = {kind, stream, a, b}; }

  /** Where the next read may put `ReadBytes()` bytes. */
  uint8_t* Room() const { return slab_ + slab_used_; }
  uint32_t ReadBytes() const { return read_bytes_; }
  uint8_t* Slab() const { return slab_; }
  uint32_t SlabBytes() const { return slab_bytes_; }

  /** The first `length` bytes of the room are taken. Returns their offset. */
  int32_t Take(uint32_t length) {
    const uint32_t offset = slab_used_;
    slab_used_ += (length + kSlabAlignment - 1) & ~(kSlabAlignment - 1);
    return static_cast<int32_t>(offset);
  }

 private:
  Record* records_;
  uint32_t most_;
  uint8_t* slab_;
  uint32_t slab_bytes_;
  uint32_t read_bytes_;
  uint32_t count_ = 0;
  uint32_t slab_used_ = 0;
  bool is_open_ = false;
};

#endif  // EMPEROR_NATIVE_REACTOR_EVENTS_H_
