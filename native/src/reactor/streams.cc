// The lives of streams: how they enter epoll and leave it, end and are told of.
#include "streams.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "relays.h"
#include "write-queue.h"

int32_t Streams::Take(int fd, uint32_t flags) {
  const int32_t number = table_.Take(fd, flags);
  pending_[number] = 0;
  MarkDirty(number);
  return number;
}

void Streams::Pause(int32_t number) {
  // epoll is asked to be silent only where it speaks meanwhile: most pauses are over before.
  Stream* stream = Live(number);
  if (stream != nullptr) stream->flags |= kIsPaused;
}

void Streams::Resume(int32_t number) {
  Stream* stream = Live(number);
  if (stream == nullptr) return;
  stream->flags &= ~kIsPaused;
  if ((stream->interest & EPOLLIN) == 0) MarkDirty(number);
  if ((stream->flags & kIsUnread) != 0 && IsEdgeTriggered(*stream)) MarkToRead(number);
}

void Streams::Hold(int32_t number, bool is_held) {
  Stream& stream = At(number);
  stream.flags = is_held ? stream.flags | kIsHeld : stream.flags & ~kIsHeld;
  MarkDirty(number);
}

void Streams::Close(int32_t number, bool is_reset) {
  Stream* stream = Live(number);
  if (stream == nullptr) return;
  Release(number, false);
  if (is_reset && (stream->flags & kIsTcp) != 0) {
    const linger at_once{1, 0};
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  close(stream->fd);
  // What was to be told of it interests nobody any more.
  stream->flags &= ~(kTellsClosed | kTellsRelayed);
  table_.MarkGone(*stream);
  table_.Retire(number);
}

int Streams::Detach(int32_t number) {
  Stream* stream = Live(number);
  if (stream == nullptr || stream->queue != nullptr || (stream->flags & kIsConnecting) != 0) return -1;
  if (stream->relay != nullptr || stream->relay_source != kNoStream) return -1;
  Release(number, true);
  stream->flags &= ~kTellsRelayed;
  table_.MarkGone(*stream);
  table_.Retire(number);
  return stream->fd;
}

void Streams::Fault(int32_t number, int error) {
  Stream& stream = At(number);
  Release(number, false);
  close(stream.fd);
  table_.MarkGone(stream);
  stream.error = error;
  if (events_->IsOpen()) {
    AddClosed(number);
  } else {
    stream.flags |= kTellsClosed;
    MarkUntold(number);
  }
}

void Streams::EndOfPeer(int32_t number) {
  Stream& stream = At(number);
  stream.flags |= kHasPeerEnded;
  events_->Add(kPeerEnded, number);
  MarkDirty(number);
  CloseIfDone(number);
}

void Streams::CloseIfDone(int32_t number) {
  const uint32_t both = kHasPeerEnded | kHasEnded;
  if ((At(number).flags & both) == both) Fault(number, 0);
}

void Streams::Release(int32_t number, bool keeps_descriptor) {
  Stream& stream = At(number);
  relays_->OnGone(number);
  DropQueue(number);
  // Closing takes it out of epoll, but for one of which another process has a copy, or is to get one: that would keep the
  // registration, and its events, alive.
  if ((stream.flags & kIsInEpoll) != 0 && (keeps_descriptor || (stream.flags & kIsShared) != 0)) {
    poller_->Remove(stream.fd);
  }
  stream.flags &= ~kIsInEpoll;
}

void Streams::DropQueue(int32_t number) {
  Stream& stream = At(number);
  delete std::exchange(stream.queue, nullptr);
  pending_[number] = 0;
}

// --- what epoll is asked ---

uint32_t Streams::InterestOf(const Stream& stream) const {
  if ((stream.flags & kIsConnecting) != 0) return EPOLLOUT;
  const bool is_writing = stream.queue != nullptr || (stream.flags & kIsPiped) != 0;
  // Most are read until nothing is left, and that there was something is not to be found out a second time. A relay
  // leaves bytes to the next wake-up, and a send may be refused for want of memory (ENOBUFS), which no edge ends.
  if (stream.relay == nullptr && !is_writing) return EPOLLIN | EPOLLRDHUP | EPOLLET;
  uint32_t mask = 0;
  if (!IsMuted(stream)) mask |= EPOLLIN | EPOLLRDHUP;
  if (is_writing) mask |= EPOLLOUT;
  return mask;
}

void Streams::ApplyInterest(int32_t number) {
  Stream& stream = At(number);
  const uint32_t mask = InterestOf(stream);
  int error = 0;
  if (mask == 0 && (stream.flags & kIsHungUp) != 0) {
    if ((stream.flags & kIsInEpoll) != 0) poller_->Remove(stream.fd);
    stream.flags &= ~kIsInEpoll;
  } else if ((stream.flags & kIsInEpoll) == 0) {
    error = poller_->Add(stream.fd, mask, PollKind::kStream, number);
    if (error == 0) stream.flags |= kIsInEpoll;
  } else if (mask != stream.interest) {
    error = poller_->Modify(stream.fd, mask, PollKind::kStream, number);
  }
  stream.interest = (stream.flags & kIsInEpoll) != 0 ? mask : 0;
  if (error != 0) Fault(number, error);
}

void Streams::MarkDirty(int32_t number) {
  Stream& stream = At(number);
  if ((stream.flags & kIsDirty) != 0) return;
  stream.flags |= kIsDirty;
  stream.next_dirty = first_dirty_;
  first_dirty_ = number;
}

void Streams::Settle() {
  while (first_dirty_ != kNoStream) {
    const int32_t number = first_dirty_;
    Stream& stream = At(number);
    first_dirty_ = stream.next_dirty;
    stream.flags &= ~kIsDirty;
    if ((stream.flags & kIsLive) != 0) ApplyInterest(number);
  }
  table_.Recycle();
}

void Streams::CloseAll() {
  for (int32_t number = 0; number < table_.Limit(); number++) Close(number, false);
}

// --- what is told ---

void Streams::TellRelayed(int32_t number) {
  if (events_->IsOpen()) {
    AddRelayed(number);
  } else {
    At(number).flags |= kTellsRelayed;
    MarkUntold(number);
  }
}

void Streams::MarkUntold(int32_t number) {
  Stream& stream = At(number);
  if ((stream.flags & kIsUntold) != 0) return;
  stream.flags |= kIsUntold;
  stream.next_untold = kNoStream;
  if (last_untold_ == kNoStream) {
    first_untold_ = number;
  } else {
    At(last_untold_).next_untold = number;
  }
  last_untold_ = number;
}

void Streams::MarkUnread(int32_t number) {
  At(number).flags |= kIsUnread;
  MarkToRead(number);
}

void Streams::MarkToRead(int32_t number) {
  Stream& stream = At(number);
  if ((stream.flags & kIsToRead) != 0) return;
  stream.flags |= kIsToRead;
  stream.next_to_read = kNoStream;
  if (last_to_read_ == kNoStream) {
    first_to_read_ = number;
  } else {
    At(last_to_read_).next_to_read = number;
  }
  last_to_read_ = number;
}

void Streams::ReadOn() {
  // Those that come to the list meanwhile have had their turn.
  const int32_t last = last_to_read_;
  bool is_last = last == kNoStream;
  while (!is_last && events_->HasRoom()) {
    const int32_t number = first_to_read_;
    Stream& stream = At(number);
    is_last = number == last;
    first_to_read_ = stream.next_to_read;
    if (first_to_read_ == kNoStream) last_to_read_ = kNoStream;
    stream.flags &= ~kIsToRead;
    const bool is_unread = (stream.flags & (kIsLive | kIsUnread)) == (kIsLive | kIsUnread);
    // Muted: `Resume` asks again. Not edge-triggered: epoll reports it.
    if (!is_unread || IsMuted(stream) || !IsEdgeTriggered(stream)) continue;
    stream.flags &= ~kIsUnread;
    // Its peer may have ended, which epoll has reported.
    Read(number, EPOLLRDHUP);
  }
}

void Streams::TellUntold() {
  while (first_untold_ != kNoStream && events_->HasRoom()) {
    const int32_t number = first_untold_;
    Stream& stream = At(number);
    first_untold_ = stream.next_untold;
    if (first_untold_ == kNoStream) last_untold_ = kNoStream;
    const uint32_t flags = stream.flags;
    stream.flags &= ~(kIsUntold | kTellsRelayed | kTellsClosed);
    if ((flags & kTellsRelayed) != 0) AddRelayed(number);
    if ((flags & kTellsClosed) != 0) AddClosed(number);
  }
}

void Streams::AddRelayed(int32_t number) {
  const uint64_t bytes = At(number).relayed_bytes;
  events_->Add(kRelayed, number, static_cast<int32_t>(bytes & 0xffffffff), static_cast<int32_t>(bytes >> 32));
}

void Streams::AddClosed(int32_t number) {
  events_->Add(kClosed, number, At(number).error);
  table_.Retire(number);
}
