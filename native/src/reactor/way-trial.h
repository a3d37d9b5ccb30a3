// Which way is the cheaper one for the bytes of a relay: to copy them, or to splice them through a pipe. For what comes by
// a unix socket that depends on how its peer sends: what it sent from a file (sendfile) passes through a pipe for half
// (150 against 290 ms of CPU a GB, Linux 6.18), what it wrote costs more there than by copying it (385 against 235).
// Nothing tells the two apart but the time they take.
#ifndef EMPEROR_NATIVE_REACTOR_WAY_TRIAL_H_
#define EMPEROR_NATIVE_REACTOR_WAY_TRIAL_H_

#include <cstdint>

class WayTrial {
 public:
  /** Moved each way before it is decided. Shorter relays are not worth a trial. */
  static constexpr uint64_t kTriedBytes = 1024 * 1024;

  /**
   * The way for what comes next: by turns, and once both were tried the cheaper one. That is the pipe only where it takes
   * less than three quarters: of so short a time much is chance.
   */
  bool IsPipeNext() const {
    if (!IsOver()) return piped_.bytes < copied_.bytes;
    return 4 * Product(piped_.ns, copied_.bytes) < 3 * Product(copied_.ns, piped_.bytes);
  }
  bool IsOver() const { return copied_.bytes >= kTriedBytes && piped_.bytes >= kTriedBytes; }

  /** So much went the way that was next, in that much CPU time. */
  void Add(uint64_t bytes, uint64_t ns) {
    Cost& cost = IsPipeNext() ? piped_ : copied_;
    cost.bytes += bytes;
    cost.ns += ns;
  }

  /** CPU time of this thread. */
  static uint64_t NowNs();

 private:
  struct Cost {
    uint64_t bytes = 0;
    uint64_t ns = 0;
  };

  static double Product(uint64_t a, uint64_t b) { return static_cast<double>(a) * static_cast<double>(b); }

  Cost copied_;
  Cost piped_;
};

#endif  // EMPEROR_NATIVE_REACTOR_WAY_TRIAL_H_
