// Bytes in and out of one stream: reads into the slab, writes as far as the kernel takes them, the rest by the queue.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "../socket.h"
#include "relays.h"
#include "streams.h"
#include "write-queue.h"

namespace {

constexpr int kMostPieces = 64;

ssize_t SendPieces(int fd, iovec* pieces, int count) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  // Most sends are one piece, for which the kernel has the shorter way.
  if (count == 1) return Retry([&] { return send(fd, pieces->iov_base, pieces->iov_len, kFlags); });
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = static_cast<size_t>(count);
  return Retry([&] { return sendmsg(fd, &message, kFlags); });
}

/** Nothing fits now. ENOBUFS is want of memory in the kernel, which passes. */
bool IsFull(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

bool HasUnread(int fd) {
  uint8_t byte = 0;
  return Retry([&] { return recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT); }) > 0;
}

int FaultOf(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

}  // namespace

// --- in ---

void Streams::OnReady(int32_t number, uint32_t mask) {
  Stream* stream = Live(number);
  // Something that was handled before it in this wake-up closed it.
  if (stream == nullptr) return;
  if ((stream->flags & kIsConnecting) != 0) {
    OnConnectOutcome(number, mask);
    return;
  }
  // First what came: a send that fails would take the error, and with it what is still to be read.
  if ((mask & ~static_cast<uint32_t>(EPOLLOUT)) != 0) {
    if (IsMuted(*stream)) {
      OnMuted(number, mask);
    } else if (stream->relay != nullptr) {
      relays_->OnReadable(number);
    } else {
      Read(number, mask);
    }
  }
  if ((mask & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0 && (stream->flags & kIsLive) != 0) Flush(number);
}

void Streams::Postpone(int32_t number, uint32_t mask) {
  const Stream* stream = Live(number);
  if (stream == nullptr || !IsEdgeTriggered(*stream)) return;
  if (IsMuted(*stream)) {
    OnMuted(number, mask);
  } else {
    MarkUnread(number);
  }
}

void Streams::OnConnectOutcome(int32_t number, uint32_t mask) {
  Stream& stream = At(number);
  const int error = FaultOf(stream.fd);
  if (error != 0) {
    Fault(number, error);
    return;
  }
  if ((mask & EPOLLOUT) == 0) return;
  stream.flags &= ~kIsConnecting;
  events_->Add(kConnected, number);
  MarkDirty(number);
  if (stream.queue != nullptr || (stream.flags & kIsPiped) != 0) {
    Flush(number);
  } else if ((stream.flags & kIsEnding) != 0) {
    FinishEnding(number);
  }
}

void Streams::OnMuted(int32_t number, uint32_t mask) {
  Stream& stream = At(number);
  stream.flags |= kIsUnread;
  if ((mask & (EPOLLHUP | EPOLLERR)) != 0) stream.flags |= kIsHungUp;
  // While something may still be read, the read will tell; asking here would take the error away from it.
  if ((stream.flags & kHasPeerEnded) != 0 && (mask & EPOLLERR) != 0) {
    const int error = FaultOf(stream.fd);
    if (error != 0) {
      Fault(number, error);
      return;
    }
  }
  if (!IsEdgeTriggered(stream)) MarkDirty(number);
}

void Streams::Read(int32_t number, uint32_t mask) {
  Stream& stream = At(number);
  const size_t room = events_->ReadBytes();
  // At most twice: where the peer is known to have ended, the end itself is told with the last bytes.
  for (int turn = 0; turn < 2; turn++) {
    const ssize_t received = Retry([&] { return recv(stream.fd, events_->Room(), room, MSG_DONTWAIT); });
    if (received == 0) {
      EndOfPeer(number);
      return;
    }
    if (received < 0) {
      if (!IsFull(errno)) Fault(number, errno);
      return;
    }
    const auto length = static_cast<uint32_t>(received);
    events_->Add(kData, number, events_->Take(length), static_cast<int32_t>(length));
    const bool has_ended = (mask & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (!has_ended && length < room) return;
    if (!has_ended) break;
  }
  if (IsEdgeTriggered(stream)) MarkUnread(number);
}

// --- out ---

void Streams::Send(int32_t number, iovec* pieces, int count) {
  Stream* stream = Live(number);
  if (stream == nullptr || (stream->flags & (kIsEnding | kIsWriteLost)) != 0) return;
  size_t sent = 0;
  if (stream->queue == nullptr && (stream->flags & kIsConnecting) == 0) {
    const ssize_t result = SendPieces(stream->fd, pieces, count);
    if (result >= 0) {
      sent = static_cast<size_t>(result);
    } else if (!IsFull(errno)) {
      OnWriteFault(number, errno);
      return;
    }
  }
  Enqueue(number, pieces, count, sent);
}

void Streams::Enqueue(int32_t number, const iovec* pieces, int count, size_t sent) {
  Stream& stream = At(number);
  for (int i = 0; i < count; i++) {
    const size_t skipped = std::min(sent, pieces[i].iov_len);
    sent -= skipped;
    const size_t length = pieces[i].iov_len - skipped;
    if (length == 0) continue;
    if (pending_[number] + length > limits_.most_pending_bytes) {
      Fault(number, ENOBUFS);
      return;
    }
    if (stream.queue == nullptr) {
      stream.queue = new (std::nothrow) WriteQueue();
      MarkDirty(number);
    }
    const auto* bytes = static_cast<const uint8_t*>(pieces[i].iov_base) + skipped;
    if (stream.queue == nullptr || !stream.queue->Append(bytes, length)) {
      Fault(number, ENOMEM);
      return;
    }
    pending_[number] += static_cast<uint32_t>(length);
  }
}

void Streams::Flush(int32_t number) {
  Stream& stream = At(number);
  if (stream.queue == nullptr) {
    if ((stream.flags & kIsPiped) != 0) relays_->OnDrained(number);
    return;
  }
  WriteQueue& queue = *stream.queue;
  iovec pieces[kMostPieces];
  while (queue.Bytes() > 0) {
    const int count = queue.Peek(pieces, kMostPieces);
    const ssize_t sent = SendPieces(stream.fd, pieces, count);
    if (sent < 0) {
      if (!IsFull(errno)) OnWriteFault(number, errno);
      return;
    }
    queue.Drop(static_cast<size_t>(sent));
    pending_[number] -= static_cast<uint32_t>(sent);
  }
  OnQueueGone(number);
}

void Streams::OnQueueGone(int32_t number) {
  Stream& stream = At(number);
  DropQueue(number);
  MarkDirty(number);
  events_->Add(kDrained, number);
  relays_->OnDrained(number);
  const uint32_t ending = kIsLive | kIsEnding;
  if ((stream.flags & ending) == ending) FinishEnding(number);
}

void Streams::SetPiped(int32_t number, uint32_t bytes) {
  Stream& stream = At(number);
  const size_t queued = stream.queue == nullptr ? 0 : stream.queue->Bytes();
  pending_[number] = static_cast<uint32_t>(queued) + bytes;
  const bool is_piped = bytes > 0;
  if (is_piped == ((stream.flags & kIsPiped) != 0)) return;
  stream.flags ^= kIsPiped;
  MarkDirty(number);
}

void Streams::End(int32_t number, bool closes) {
  Stream* stream = Live(number);
  if (stream == nullptr || (stream->flags & kIsEnding) != 0) return;
  stream->flags |= kIsEnding | (closes ? kClosesAtEnd : 0u);
  if (stream->queue == nullptr && (stream->flags & kIsConnecting) == 0) FinishEnding(number);
}

void Streams::FinishEnding(int32_t number) {
  Stream& stream = At(number);
  if ((stream.flags & kClosesAtEnd) != 0 && !HasUnread(stream.fd)) {
    Fault(number, 0);
    return;
  }
  // Where it fails the peer is gone, which the read side tells.
  if ((stream.flags & kIsWriteLost) == 0) shutdown(stream.fd, SHUT_WR);
  stream.flags |= kHasEnded;
  CloseIfDone(number);
}

void Streams::OnWriteFault(int32_t number, int error) {
  Stream& stream = At(number);
  const bool has_peer_left = error == EPIPE || error == ECONNRESET;
  if (!has_peer_left || (stream.flags & kIsOurs) == 0) {
    Fault(number, error);
    return;
  }
  // A worker that refuses a body answers and closes at once. What was written is lost either way; the answer, and
  // then the end, are still there to be read.
  stream.flags |= kIsWriteLost;
  if (stream.queue != nullptr) OnQueueGone(number);
}
