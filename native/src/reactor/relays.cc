// Relays: read into a scratch buffer, send from there. What the destination does not take waits in its queue, and
// above a bound the source is not read any more until that is empty.
#include "relays.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "../socket.h"
#include "streams.h"

namespace {

/** Then the other streams get their turn. */
constexpr uint64_t kMostPerWakeUp = 1024 * 1024;
constexpr uint32_t kMostPending = 256 * 1024;

}  // namespace

int Relays::Start(int32_t from, int32_t to, uint64_t bytes) {
  Stream* source = streams_->Live(from);
  // Its end is still to be told, or was commanded by TypeScript itself.
  if (source == nullptr) return 0;
  Stream* destination = streams_->Live(to);
  if (from == to) return EINVAL;
  if (source->relay != nullptr || (destination != nullptr && destination->relay_source != kNoStream)) return EBUSY;
  source->relayed_bytes = 0;
  if (bytes == 0 || destination == nullptr || (source->flags & kHasPeerEnded) != 0) {
    streams_->TellRelayed(from);
    return 0;
  }
  if (scratch_ == nullptr) scratch_.reset(new (std::nothrow) uint8_t[kScratchBytes]);
  auto* relay = new (std::nothrow) Relay{to, bytes, 0};
  if (scratch_ == nullptr || relay == nullptr) {
    delete relay;
    return ENOMEM;
  }
  source->relay = relay;
  destination->relay_source = from;
  if (streams_->Pending(to) > kMostPending) streams_->Hold(from, true);
  return 0;
}

void Relays::Stop(int32_t from) {
  const Stream* source = streams_->Live(from);
  if (source != nullptr && source->relay != nullptr) Finish(from);
}

uint64_t Relays::MovedBytes(int32_t from) const {
  const Stream* source = streams_->Live(from);
  return source == nullptr || source->relay == nullptr ? 0 : source->relay->moved;
}

void Relays::OnReadable(int32_t from) {
  const Stream& source = streams_->At(from);
  const uint64_t before = source.relay->moved;
  while (source.relay != nullptr) {
    const uint64_t moved = source.relay->moved - before;
    if (moved >= kMostPerWakeUp || !MoveOnce(from, kMostPerWakeUp - moved)) return;
  }
}

bool Relays::MoveOnce(int32_t from, uint64_t most) {
  const Stream& source = streams_->At(from);
  const int32_t to = source.relay->to;
  const auto wanted = static_cast<size_t>(std::min({source.relay->left, most, uint64_t{kScratchBytes}}));
  const ssize_t received = Retry([&] { return recv(source.fd, scratch_.get(), wanted, MSG_DONTWAIT); });
  if (received == 0) {
    Finish(from);
    streams_->EndOfPeer(from);
    return false;
  }
  if (received < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) streams_->Fault(from, errno);
    return false;
  }
  const auto length = static_cast<size_t>(received);
  source.relay->left -= length;
  source.relay->moved += length;
  iovec piece{scratch_.get(), length};
  streams_->Send(to, &piece, 1);
  // A send that failed ended the relay.
  if (source.relay == nullptr) return false;
  if (source.relay->left == 0) {
    Finish(from);
    return false;
  }
  if (streams_->Pending(to) > kMostPending) {
    streams_->Hold(from, true);
    return false;
  }
  return length == wanted;
}

void Relays::OnDrained(int32_t to) {
  const int32_t from = streams_->At(to).relay_source;
  if (from != kNoStream && (streams_->At(from).flags & kIsHeld) != 0) streams_->Hold(from, false);
}

void Relays::OnGone(int32_t number) {
  const Stream& stream = streams_->At(number);
  if (stream.relay != nullptr) Finish(number);
  if (stream.relay_source != kNoStream) Finish(stream.relay_source);
}

void Relays::Finish(int32_t from) {
  Stream& source = streams_->At(from);
  const Relay* relay = std::exchange(source.relay, nullptr);
  streams_->At(relay->to).relay_source = kNoStream;
  source.relayed_bytes = relay->moved;
  delete relay;
  if ((source.flags & kIsHeld) != 0) streams_->Hold(from, false);
  streams_->TellRelayed(from);
}
