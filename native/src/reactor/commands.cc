// Commands in their order; neighbouring sends of one stream leave by one system call.
#include "commands.h"

#include <sys/uio.h>

namespace {

constexpr int kMostPieces = 64;

bool IsSend(const Record& command) { return command.kind == kSend || command.kind == kSendSlab; }

struct Bytes {
  uint8_t* start;
  uint32_t length;

  bool Contains(const Record& command) const {
    const auto offset = static_cast<uint32_t>(command.a);
    const auto size = static_cast<uint32_t>(command.b);
    return command.a >= 0 && command.b > 0 && offset <= length && size <= length - offset;
  }
};

}  // namespace

bool Commands::Execute(uint32_t count, Streams* streams, uint8_t* slab, uint32_t slab_bytes) const {
  const Bytes outgoing{outgoing_, outgoing_bytes_};
  const Bytes received{slab, slab_bytes};
  uint32_t position = 0;
  while (position < count) {
    const Record& command = records_[position];
    const int32_t stream = command.stream;
    if (IsSend(command)) {
      iovec pieces[kMostPieces];
      int pieceCount = 0;
      while (position < count && pieceCount < kMostPieces) {
        const Record& next = records_[position];
        if (!IsSend(next) || next.stream != stream) break;
        const Bytes& source = next.kind == kSend ? outgoing : received;
        if (!source.Contains(next)) return false;
        pieces[pieceCount++] = {source.start + next.a, static_cast<size_t>(next.b)};
        position++;
      }
      streams->Send(stream, pieces, pieceCount);
      continue;
    }
    switch (command.kind) {
      case kEnd:
        streams->End(stream, false);
        break;
      case kFinish:
        streams->End(stream, true);
        break;
      case kClose:
        streams->Close(stream, false);
        break;
      case kReset:
        streams->Close(stream, true);
        break;
      case kPause:
        streams->Pause(stream);
        break;
      case kResume:
        streams->Resume(stream);
        break;
      default:
        return false;
    }
    position++;
  }
  return true;
}
