// Bytes that the kernel did not take yet, of one stream, in their order.
#ifndef EMPEROR_NATIVE_REACTOR_WRITE_QUEUE_H_
#define EMPEROR_NATIVE_REACTOR_WRITE_QUEUE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

class WriteQueue {
 public:
  WriteQueue() = default;
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;
  ~WriteQueue();

  size_t Bytes() const { return bytes_; }

  /** Copies the bytes behind what is there. False for want of memory, and then only a part of them is there. */
  bool Append(const uint8_t* bytes, size_t length);
  /** The first bytes, in at most `most` pieces. Returns how many pieces there are. */
  int Peek(iovec* pieces, int most) const;
  /** Drops the first `length` bytes, which must be there. */
  void Drop(size_t length);

 private:
  struct Block {
    Block* next;
    size_t start;
    size_t end;
    size_t capacity;

    uint8_t* Bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  };

  bool AddBlock(size_t length);

  Block* first_ = nullptr;
  Block* last_ = nullptr;
  size_t bytes_ = 0;
};

#endif  // EMPEROR_NATIVE_REACTOR_WRITE_QUEUE_H_
