// Bytes that wait for one peer, in blocks, so that neither growing nor shrinking moves them.
#include "write-queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

/** Little waits as a rule, and what is much comes in pieces. */
constexpr size_t kSmallestBlock = 4 * 1024;
constexpr size_t kLargestBlock = 64 * 1024;

}  // namespace

WriteQueue::~WriteQueue() {
  while (first_ != nullptr) {
    Block* next = first_->next;
    free(first_);
    first_ = next;
  }
}

bool WriteQueue::Append(const uint8_t* bytes, size_t length) {
  while (length > 0) {
    if (last_ == nullptr || last_->end == last_->capacity) {
      if (!AddBlock(length)) return false;
    }
    const size_t part = std::min(length, last_->capacity - last_->end);
    std::memcpy(last_->Bytes() + last_->end, bytes, part);
    last_->end += part;
    bytes_ += part;
    bytes += part;
    length -= part;
  }
  return true;
}

int WriteQueue::Peek(iovec* pieces, int most) const {
  int count = 0;
  for (Block* block = first_; block != nullptr && count < most; block = block->next) {
    pieces[count++] = {block->Bytes() + block->start, block->end - block->start};
  }
  return count;
}

void WriteQueue::Drop(size_t length) {
  bytes_ -= length;
  while (length > 0) {
    const size_t part = std::min(length, first_->end - first_->start);
    first_->start += part;
    length -= part;
    if (first_->start < first_->end) return;
    Block* next = first_->next;
    free(first_);
    first_ = next;
    if (first_ == nullptr) last_ = nullptr;
  }
}

bool WriteQueue::AddBlock(size_t length) {
  const size_t capacity = std::clamp(length, kSmallestBlock, kLargestBlock);
  auto* block = static_cast<Block*>(malloc(sizeof(Block) + capacity));
  if (block == nullptr) return false;
  *block = {nullptr, 0, 0, capacity};
  (last_ == nullptr ? first_ : last_->next) = block;
  last_ = block;
  return true;
}
