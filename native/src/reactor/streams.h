// What is done with connected sockets: taken up, read, written, ended, closed, and told of. Never called back: what
// happens goes to Events, or, while nobody collects them, waits in the list of the untold.
#ifndef EMPEROR_NATIVE_REACTOR_STREAMS_H_
#define EMPEROR_NATIVE_REACTOR_STREAMS_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "events.h"
#include "poller.h"
#include "stream-table.h"
#include "stream.h"

class Relays;

struct StreamLimits {
  uint32_t capacity;
  /** What may wait for one peer. */
  uint32_t most_pending_bytes;
};

class Streams {
 public:
  /** `pending`: by stream, what waits for its peer; `limits.capacity` numbers. */
  Streams(Events* events, Poller* poller, uint32_t* pending, StreamLimits limits)
      : events_(events), poller_(poller), pending_(pending), limits_(limits), table_(limits.capacity) {}

  void SetRelays(Relays* relays) { relays_ = relays; }

  /** Whether Take may be called; errno says why not. */
  bool HasRoom() { return table_.HasRoom(); }
  /** Takes up a socket; it enters epoll when the batch ends, if it still lives then. */
  int32_t Take(int fd, uint32_t flags);
  Stream* Live(int32_t number) const { return table_.Live(number); }
  Stream& At(int32_t number) const { return table_.At(number); }
  uint32_t LiveCount() const { return table_.LiveCount(); }

  /** epoll says that it is ready. Events are open. */
  void OnReady(int32_t number, uint32_t mask);
  /** It is, but there is no room for what it has to tell. Events are closed. */
  void Postpone(int32_t number, uint32_t mask);
  /** Reads once; `mask` is epoll's, 0 where it was not asked. Events are open. */
  void Read(int32_t number, uint32_t mask);

  /** Sends the pieces, at least one byte, behind what waits already. */
  void Send(int32_t number, iovec* pieces, int count);
  /** `closes`: and with it the connection, where nothing that came is unread. */
  void End(int32_t number, bool closes);
  void Pause(int32_t number);
  void Resume(int32_t number);
  /** Closes at once, without telling. `is_reset`: by RST where it is TCP. */
  void Close(int32_t number, bool is_reset);
  /** Takes it out, without telling. Returns its descriptor; -1 where it is busy or not connected. */
  int Detach(int32_t number);

  /** It is gone by a fault, or by the end of both directions (0). */
  void Fault(int32_t number, int error);
  /** The peer ended its direction. Events are open. */
  void EndOfPeer(int32_t number);
  /** Its relay begins or is over: epoll is to report differently. */
  void OnRelayChange(int32_t number) { MarkDirty(number); }
  /** A relay waits for the other side, or goes on. */
  void Hold(int32_t number, bool is_held);
  /** Its relay ended: `relayed_bytes` is to be told. */
  void TellRelayed(int32_t number);

  uint32_t Pending(int32_t number) const { return pending_[number]; }
  /** False where what is sent would be dropped. */
  bool MaySend(int32_t number) const { return (At(number).flags & (kIsEnding | kIsWriteLost)) == 0; }
  /** What is sent now would wait behind other bytes, or for the connect. */
  bool IsQueued(int32_t number) const {
    return At(number).queue != nullptr || (At(number).flags & kIsConnecting) != 0;
  }
  /** So many bytes for it wait in a pipe: the relay is told when there is room. */
  void SetPiped(int32_t number, uint32_t bytes);
  /** A send failed. */
  void OnWriteFault(int32_t number, int error);

  /** Adds what was left untold, as far as there is room. Events are open. */
  void TellUntold();
  /** Reads on where epoll will not say that there is more, as far as there is room. Events are open. */
  void ReadOn();
  /** The next batch has something to do, whatever epoll says. */
  bool HasWork() const { return first_untold_ != kNoStream || first_to_read_ != kNoStream; }
  /** The batch is over: epoll learns what changed, and numbers may be used again. */
  void Settle();
  /** Closes everything, and tells nothing. */
  void CloseAll();

 private:
  void MarkDirty(int32_t number);
  void MarkUntold(int32_t number);
  /** There may be more to read, of which epoll says nothing. */
  void MarkUnread(int32_t number);
  void MarkToRead(int32_t number);
  void ApplyInterest(int32_t number);
  uint32_t InterestOf(const Stream& stream) const;
  /** Nobody is to be told of what it receives. */
  static bool IsMuted(const Stream& stream) { return (stream.flags & (kIsPaused | kIsHeld | kHasPeerEnded)) != 0; }
  /** epoll reports what arrives once, and not for as long as it is there. */
  static bool IsEdgeTriggered(const Stream& stream) { return (stream.interest & EPOLLET) != 0; }
  void AddClosed(int32_t number);
  void AddRelayed(int32_t number);

  void OnConnectOutcome(int32_t number, uint32_t mask);
  /** It is muted; what epoll says all the same. */
  void OnMuted(int32_t number, uint32_t mask);
  void Flush(int32_t number);
  /** Nothing waits any more: it was taken, or is lost. */
  void OnQueueGone(int32_t number);
  void FinishEnding(int32_t number);
  /** Where both directions are ended nothing is left to do. */
  void CloseIfDone(int32_t number);
  void DropQueue(int32_t number);
  void Enqueue(int32_t number, const iovec* pieces, int count, size_t sent);
  /** Takes it out of epoll and of its relays, and forgets its queue. The descriptor is closed next, or is another's. */
  void Release(int32_t number, bool keeps_descriptor);

  Events* events_;
  Poller* poller_;
  uint32_t* pending_;
  StreamLimits limits_;
  StreamTable table_;
  Relays* relays_ = nullptr;
  int32_t first_dirty_ = kNoStream;
  int32_t first_untold_ = kNoStream;
  int32_t last_untold_ = kNoStream;
  int32_t first_to_read_ = kNoStream;
  int32_t last_to_read_ = kNoStream;
};

#endif  // EMPEROR_NATIVE_REACTOR_STREAMS_H_
