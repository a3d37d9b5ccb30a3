// The streams by their numbers. Memory is taken as numbers are, in chunks, and stays: a stream never moves.
#ifndef EMPEROR_NATIVE_REACTOR_STREAM_TABLE_H_
#define EMPEROR_NATIVE_REACTOR_STREAM_TABLE_H_

#include <cstdint>

#include "stream.h"

class StreamTable {
 public:
  explicit StreamTable(uint32_t capacity) : capacity_(capacity) {}
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;
  ~StreamTable();

  /** Whether Take would find a number; errno says why not (EMFILE: all are in use, ENOMEM). */
  bool HasRoom();
  /** A number for the descriptor; only after HasRoom. The one used last is used first: its memory is warm. */
  int32_t Take(int fd, uint32_t flags);
  /** The stream has no descriptor any more. */
  void MarkGone(Stream& stream);
  /** Nothing is to be told of it any more: its number is used again, but only after Recycle. */
  void Retire(int32_t number);
  void Recycle();

  /** For numbers that TypeScript names: null where there is no such stream (any more). */
  Stream* Live(int32_t number) const;
  Stream& At(int32_t number) const { return chunks_[number / kChunkStreams][number % kChunkStreams]; }

  uint32_t LiveCount() const { return live_count_; }
  /** All numbers that were ever in use are below it. */
  int32_t Limit() const { return limit_; }

 private:
  static constexpr int32_t kChunkStreams = 256;

  uint32_t capacity_;
  /** One pointer per chunk that the capacity allows; null until it is needed. */
  Stream** chunks_ = nullptr;
  int32_t limit_ = 0;
  uint32_t live_count_ = 0;
  int32_t free_ = kNoStream;
  int32_t retired_ = kNoStream;
};

#endif  // EMPEROR_NATIVE_REACTOR_STREAM_TABLE_H_
