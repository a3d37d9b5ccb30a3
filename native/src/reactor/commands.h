// Carries out what TypeScript wants done.
#ifndef EMPEROR_NATIVE_REACTOR_COMMANDS_H_
#define EMPEROR_NATIVE_REACTOR_COMMANDS_H_

#include <cstdint>

#include "events.h"
#include "protocol.h"
#include "streams.h"

class Commands {
 public:
  Commands(const Record* records, uint32_t most, uint8_t* outgoing, uint32_t outgoing_bytes)
      : records_(records), most_(most), outgoing_(outgoing), outgoing_bytes_(outgoing_bytes) {}

  uint32_t Most() const { return most_; }
  /** Executes the first `count`, at most `Most()`. False at one that names bytes outside of its buffer, or no kind. */
  bool Execute(uint32_t count, Streams* streams, uint8_t* slab, uint32_t slab_bytes) const;

 private:
  const Record* records_;
  uint32_t most_;
  uint8_t* outgoing_;
  uint32_t outgoing_bytes_;
};

#endif  // EMPEROR_NATIVE_REACTOR_COMMANDS_H_
