// Relays. What comes by TCP goes through a pipe and is never copied here, which costs a third as much; for what comes by a
// unix socket it is tried which way is the cheaper one.
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
/** Above it the destination is waited for. */
constexpr uint32_t kMostPending = 256 * 1024;
/** For less a pipe is not worth its making. */
constexpr uint64_t kLeastPiped = 256 * 1024;
/** For less a trial, of which half goes the dearer way, is not worth it. */
constexpr uint64_t kLeastTried = 8 * WayTrial::kTriedBytes;

}  // namespace

int Relays::Start(int32_t from, int32_t to, uint64_t bytes) {
  Stream* source = streams_->Live(from);
  // It was closed by a fault, which is still to be told.
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
  if (scratch_ == nullptr) return ENOMEM;
  source->relay = new (std::nothrow) Relay{to, bytes, 0, nullptr, nullptr};
  if (source->relay == nullptr) return ENOMEM;
  ChooseWay(from);
  destination->relay_source = from;
  streams_->OnRelayChange(from);
  if (streams_->Pending(to) > kMostPending) streams_->Hold(from, true);
  return 0;
}

void Relays::ChooseWay(int32_t from) {
  const Stream& source = streams_->At(from);
  Relay& relay = *source.relay;
  const bool is_tcp = (source.flags & kIsTcp) != 0;
  if (relay.left < (is_tcp ? kLeastPiped : kLeastTried)) return;
  relay.pipe = Pipe::Open();
  if (relay.pipe != nullptr && !is_tcp) relay.trial.reset(new (std::nothrow) WayTrial());
  // Untried, copying is never far from the cheaper way.
  if (!is_tcp && relay.trial == nullptr) relay.pipe.reset();
}

void Relays::Stop(int32_t from) {
  const Stream* source = streams_->Live(from);
  if (source != nullptr && source->relay != nullptr) Finish(from, true);
}

uint64_t Relays::MovedBytes(int32_t from) const {
  const Stream* source = streams_->Live(from);
  return source == nullptr || source->relay == nullptr ? 0 : source->relay->moved;
}

void Relays::OnReadable(int32_t from) {
  const Stream& source = streams_->At(from);
  const uint64_t before = source.relay->moved;
  for (;;) {
    const uint64_t moved = source.relay->moved - before;
    if (moved >= kMostPerWakeUp) return;
    const uint64_t most = kMostPerWakeUp - moved;
    if (!Move(from, most)) return;
  }
}

// What is in the pipe is always out of it before more is read: the way can be changed each time.
bool Relays::Move(int32_t from, uint64_t most) {
  const Relay& relay = *streams_->At(from).relay;
  if (relay.pipe == nullptr) return MoveByCopy(from, most);
  return relay.trial == nullptr ? MoveByPipe(from, most) : MoveOnTrial(from, most);
}

bool Relays::MoveOnTrial(int32_t from, uint64_t most) {
  const Stream& source = streams_->At(from);
  const uint64_t before = source.relay->moved;
  const uint64_t start_ns = WayTrial::NowNs();
  const bool is_piped = source.relay->trial->IsPipeNext();
  const bool goes_on = is_piped ? MoveByPipe(from, most) : MoveByCopy(from, most);
  if (source.relay == nullptr) return false;
  Relay& relay = *source.relay;
  relay.trial->Add(relay.moved - before, WayTrial::NowNs() - start_ns);
  const bool is_over = relay.trial->IsOver();
  const bool is_pipe_next = relay.trial->IsPipeNext();
  // One that is not used any more is for another relay; what is still in it leaves before more is read.
  if (is_over && !is_pipe_next && relay.pipe != nullptr && relay.pipe->Held() == 0) relay.pipe.reset();
  if (relay.pipe == nullptr || (is_over && is_pipe_next)) relay.trial.reset();
  return goes_on;
}

bool Relays::MoveByCopy(int32_t from, uint64_t most) {
  const Stream& source = streams_->At(from);
  const auto wanted = static_cast<size_t>(std::min({source.relay->left, most, uint64_t{kScratchBytes}}));
  const ssize_t received = Retry([&] { return recv(source.fd, scratch_.get(), wanted, MSG_DONTWAIT); });
  if (received <= 0) {
    OnNothing(from, received);
    return false;
  }
  const auto length = static_cast<size_t>(received);
  iovec piece{scratch_.get(), length};
  source.relay->moved += length;
  source.relay->left -= length;
  streams_->Send(source.relay->to, &piece, 1);
  // A send that failed may have ended the relay.
  if (source.relay == nullptr) return false;
  if (streams_->Pending(source.relay->to) > kMostPending) streams_->Hold(from, true);
  return OnMoved(from, wanted - length);
}

bool Relays::MoveByPipe(int32_t from, uint64_t most) {
  const Stream& source = streams_->At(from);
  const auto wanted = static_cast<size_t>(std::min({source.relay->left, most, uint64_t{Pipe::kBytes}}));
  const ssize_t received = source.relay->pipe->Fill(source.fd, wanted);
  if (received < 0 && errno == EINVAL) {
    // A socket that cannot be spliced.
    source.relay->pipe.reset();
    return true;
  }
  if (received <= 0) {
    OnNothing(from, received);
    return false;
  }
  const auto length = static_cast<size_t>(received);
  source.relay->moved += length;
  source.relay->left -= length;
  return EmptyPipe(from) && OnMoved(from, wanted - length);
}

bool Relays::EmptyPipe(int32_t from) {
  const Stream& source = streams_->At(from);
  const int32_t to = source.relay->to;
  Pipe& pipe = *source.relay->pipe;
  int error = 0;
  while (pipe.Held() > 0 && error == 0 && streams_->MaySend(to)) {
    // What waits in the queue was sent before.
    if (streams_->IsQueued(to)) {
      error = EAGAIN;
    } else if (pipe.Empty(streams_->At(to).fd) < 0) {
      error = errno;
    }
  }
  if (error == EAGAIN) {
    streams_->SetPiped(to, static_cast<uint32_t>(pipe.Held()));
    streams_->Hold(from, true);
    return false;
  }
  // As by a write: what is left for one who takes nothing any more is dropped, and so is all that follows.
  if (pipe.Held() > 0) source.relay->pipe.reset();
  streams_->SetPiped(to, 0);
  if (error != 0) streams_->OnWriteFault(to, error);
  return source.relay != nullptr;
}

bool Relays::OnMoved(int32_t from, uint64_t missing) {
  const Stream& source = streams_->At(from);
  if (source.relay->left == 0) {
    Finish(from, true);
    return false;
  }
  return missing == 0 && (source.flags & kIsHeld) == 0;
}

void Relays::OnNothing(int32_t from, ssize_t result) {
  if (result == 0) {
    Finish(from, true);
    streams_->EndOfPeer(from);
  } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
    streams_->Fault(from, errno);
  }
}

void Relays::OnDrained(int32_t to) {
  const int32_t from = streams_->At(to).relay_source;
  if (from == kNoStream) return;
  const Stream& source = streams_->At(from);
  if (source.relay->pipe != nullptr && !EmptyPipe(from)) return;
  if (source.relay->left == 0) {
    Finish(from, true);
  } else if ((source.flags & kIsHeld) != 0) {
    streams_->Hold(from, false);
  }
}

void Relays::OnGone(int32_t number) {
  const Stream& stream = streams_->At(number);
  if (stream.relay != nullptr) Finish(number, true);
  if (stream.relay_source != kNoStream) Finish(stream.relay_source, false);
}

void Relays::Finish(int32_t from, bool is_destination_there) {
  Stream& source = streams_->At(from);
  const std::unique_ptr<Relay> relay(std::exchange(source.relay, nullptr));
  const int32_t to = relay->to;
  streams_->At(to).relay_source = kNoStream;
  source.relayed_bytes = relay->moved;
  streams_->OnRelayChange(from);
  if ((source.flags & kIsHeld) != 0) streams_->Hold(from, false);
  if (is_destination_there && relay->pipe != nullptr) Spill(*relay->pipe, to);
  streams_->TellRelayed(from);
}

void Relays::Spill(Pipe& pipe, int32_t to) {
  streams_->SetPiped(to, 0);
  while (pipe.Held() > 0) {
    const ssize_t length = pipe.Read(scratch_.get(), kScratchBytes);
    // It cannot fail: the bytes are there.
    if (length <= 0) return;
    iovec piece{scratch_.get(), static_cast<size_t>(length)};
    streams_->Send(to, &piece, 1);
  }
}
