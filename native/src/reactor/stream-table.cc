// The streams by their numbers. What runs out of memory here is an answer and never an end of the process.
#include "stream-table.h"

#include <cerrno>
#include <cstdlib>

StreamTable::~StreamTable() {
  if (chunks_ == nullptr) return;
  for (uint32_t chunk = 0; chunk * kChunkStreams < capacity_; chunk++) free(chunks_[chunk]);
  free(chunks_);
}

bool StreamTable::HasRoom() {
  if (free_ != kNoStream) return true;
  if (static_cast<uint32_t>(limit_) >= capacity_) {
    errno = EMFILE;
    return false;
  }
  if (chunks_ == nullptr) {
    chunks_ = static_cast<Stream**>(calloc((capacity_ + kChunkStreams - 1) / kChunkStreams, sizeof(Stream*)));
    if (chunks_ == nullptr) return false;
  }
  Stream*& chunk = chunks_[limit_ / kChunkStreams];
  if (chunk == nullptr) chunk = static_cast<Stream*>(calloc(kChunkStreams, sizeof(Stream)));
  return chunk != nullptr;
}

int32_t StreamTable::Take(int fd, uint32_t flags) {
  int32_t number = free_;
  if (number == kNoStream) {
    number = limit_++;
  } else {
    free_ = At(number).next_free;
  }
  live_count_++;
  At(number) = {fd, flags | kIsLive, 0, 0, nullptr, nullptr, 0,
                kNoStream, kNoStream, kNoStream, kNoStream, kNoStream};
  return number;
}

void StreamTable::MarkGone(Stream& stream) {
  stream.flags &= ~kIsLive;
  live_count_--;
}

void StreamTable::Retire(int32_t number) {
  Stream& stream = At(number);
  if ((stream.flags & kIsRetired) != 0) return;
  stream.flags |= kIsRetired;
  stream.next_free = retired_;
  retired_ = number;
}

void StreamTable::Recycle() {
  int32_t number = retired_;
  retired_ = kNoStream;
  while (number != kNoStream) {
    Stream& stream = At(number);
    const int32_t next = stream.next_free;
    const bool is_listed = (stream.flags & (kIsDirty | kIsUntold | kIsToRead)) != 0;
    int32_t& list = is_listed ? retired_ : free_;
    stream.next_free = list;
    list = number;
    number = next;
  }
}

Stream* StreamTable::Live(int32_t number) const {
  if (number < 0 || number >= limit_) return nullptr;
  Stream& stream = At(number);
  return (stream.flags & kIsLive) != 0 ? &stream : nullptr;
}
