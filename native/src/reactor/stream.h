// One connected socket, as small as it can be: ten thousand idle ones must cost little.
#ifndef EMPEROR_NATIVE_REACTOR_STREAM_H_
#define EMPEROR_NATIVE_REACTOR_STREAM_H_

#include <cstdint>

class WriteQueue;
struct Relay;

enum StreamFlag : uint32_t {
  /** It has a descriptor; a slot without is free, or waits to be told of or to be used again. */
  kIsLive = 1u << 0,
  /** The kernel still connects. */
  kIsConnecting = 1u << 1,
  /** We connected it: a write that fails says nothing about what is still to be read. */
  kIsOurs = 1u << 2,
  kIsTcp = 1u << 3,
  kIsPaused = 1u << 4,
  /** Its relay waits for the other side. */
  kIsHeld = 1u << 5,
  /** Its peer's end was told. */
  kHasPeerEnded = 1u << 6,
  /** `end` was commanded; nothing more is sent. */
  kIsEnding = 1u << 7,
  /** Our direction is ended, or can carry nothing any more. */
  kHasEnded = 1u << 8,
  /** The peer takes nothing any more; what is sent is dropped. */
  kIsWriteLost = 1u << 9,
  /** epoll goes on reporting a hang-up, which cannot be masked: it stays out of epoll while nobody reads. */
  kIsHungUp = 1u << 10,
  kIsInEpoll = 1u << 11,
  /** It is in the list of those whose interest may have changed. */
  kIsDirty = 1u << 12,
  /** It is in the list of those of which something is to be told. */
  kIsUntold = 1u << 13,
  /** To be told: its relay's end; its own. */
  kTellsRelayed = 1u << 14,
  kTellsClosed = 1u << 15,
  /** The slot may be used again once it is in no list. */
  kIsRetired = 1u << 16,
  /** Bytes for it wait in the pipe of the relay that leads to it. */
  kIsPiped = 1u << 17,
  /** The kernel may hold something of it that epoll will not report again. */
  kIsUnread = 1u << 18,
  /** It is in the list of those that are to be read without being reported. */
  kIsToRead = 1u << 19,
  /** It closes once our direction ends, where nothing that came is unread. */
  kClosesAtEnd = 1u << 20,
  /** Another process may have its descriptor as well. */
  kIsShared = 1u << 21,
};

constexpr int32_t kNoStream = -1;

struct Stream {
  int fd;
  uint32_t flags;
  /** The mask that epoll has. */
  uint32_t interest;
  /** The errno of what is to be told. */
  int error;
  /** What the kernel did not take; null where it took everything. */
  WriteQueue* queue;
  /** Where what it receives goes, unread; null where it does not relay. Told later: what it moved. */
  Relay* relay;
  uint64_t relayed_bytes;
  /** The stream that relays to this one. */
  int32_t relay_source;
  /** The next one in the list of the changed, of the untold, of those to read, and of the free. */
  int32_t next_dirty;
  int32_t next_untold;
  int32_t next_to_read;
  int32_t next_free;
};

#endif  // EMPEROR_NATIVE_REACTOR_STREAM_H_
