// The contract of native/reactor.ts in C++: what an event and a command are, number by number.
#ifndef EMPEROR_NATIVE_REACTOR_PROTOCOL_H_
#define EMPEROR_NATIVE_REACTOR_PROTOCOL_H_

#include <cstdint>

struct Record {
  int32_t kind;
  int32_t stream;
  int32_t a;
  int32_t b;
};

constexpr int kRecordLength = sizeof(Record) / sizeof(int32_t);

enum EventKind : int32_t {
  kAcceptedV4 = 1,
  kAcceptedV6 = 2,
  kAcceptedUnix = 3,
  kData = 4,
  kPeerEnded = 5,
  kDrained = 6,
  kConnected = 7,
  kClosed = 8,
  kRelayed = 9,
  kRefused = 10,
};

enum CommandKind : int32_t {
  kSend = 1,
  kSendSlab = 2,
  kEnd = 3,
  kClose = 4,
  kReset = 5,
  kPause = 6,
  kResume = 7,
  kFinish = 8,
};

/** Added to a stream's number while the kernel still connects. */
constexpr int32_t kConnectInProgress = 0x40000000;

/** An accepted record's `a` is the listener's number in the bits below, and the client's TCP port above. */
constexpr int kPortShift = 16;

struct NamedKind {
  const char* name;
  int32_t value;
};

/** By the names of native/reactor.ts. */
constexpr NamedKind kEventKinds[] = {
    {"acceptedV4", kAcceptedV4}, {"acceptedV6", kAcceptedV6}, {"acceptedUnix", kAcceptedUnix}, {"data", kData},
    {"ended", kPeerEnded},       {"drained", kDrained},       {"connected", kConnected},       {"closed", kClosed},
    {"relayed", kRelayed},       {"refused", kRefused},
};

constexpr NamedKind kCommandKinds[] = {
    {"send", kSend},   {"sendSlab", kSendSlab}, {"end", kEnd},       {"close", kClose},
    {"reset", kReset}, {"pause", kPause},       {"resume", kResume},
    {"finish", kFinish},
};

#endif  // EMPEROR_NATIVE_REACTOR_PROTOCOL_H_
