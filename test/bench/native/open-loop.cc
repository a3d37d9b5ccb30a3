// open-loop PORT HOST RATE SECONDS CONNECTIONS SEED: GET requests that come at random moments (a Poisson process), as
// those of many independent clients do, whether or not earlier ones were answered. The time of each counts from the
// moment at which it was due, so a stall of the server is seen by every request that would have met it. Where all
// connections are busy, a request waits here for one, and its time runs. Prints one line of JSON.
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cmath>
#include <deque>

#include "http-answer.h"
#include "sockets.h"

namespace {

/** How long the last answers are waited for after the last request. */
constexpr int64_t kPatienceNs = 2'000'000'000;

struct Connection {
  int fd = -1;
  int64_t due_ns = 0;
  bool is_busy = false;
  std::string received;
};

/** xorshift64*: the same seed gives the same moments. */
struct Arrivals {
  uint64_t state;
  double mean_ns;

  int64_t Gap() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    const double uniform = static_cast<double>((state * 2685821657736338717ULL) >> 11) * 0x1p-53;
    return static_cast<int64_t>(-std::log1p(-uniform) * mean_ns);
  }
};

class OpenLoop {
 public:
  OpenLoop(int port, const std::string& host, int connections)
      : request_("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"),
        epoll_(Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        connections_(static_cast<size_t>(connections)),
        port_(port) {
    for (size_t number = 0; number < connections_.size(); number += 1) Open(number);
  }

  void Run(Arrivals arrivals, int64_t seconds) {
    const int64_t end_ns = NowNs() + seconds * 1'000'000'000;
    int64_t next_ns = NowNs() + arrivals.Gap();
    for (;;) {
      const int64_t now_ns = NowNs();
      while (next_ns <= now_ns && next_ns < end_ns) {
        Arrive(next_ns);
        next_ns += arrivals.Gap();
      }
      const bool is_over = next_ns >= end_ns;
      if (is_over && (answered_ + faults_ == sent_ || now_ns > end_ns + kPatienceNs)) break;
      Wait(is_over ? 10'000'000 : std::max<int64_t>(0, next_ns - NowNs()));
    }
    // What was never answered waited at least until now.
    for (const Connection& one : connections_) if (one.is_busy) GiveUp(one.due_ns);
    for (const int64_t due_ns : waiting_) GiveUp(due_ns);
  }

  void Report() {
    std::sort(times_ns_.begin(), times_ns_.end());
    std::sort(lateness_ns_.begin(), lateness_ns_.end());
    const auto us = [&](double percent) { return static_cast<double>(Percentile(times_ns_, percent)) / 1000; };
    std::printf(
        "{\"sent\":%llu,\"faults\":%llu,\"p50Us\":%.1f,\"p90Us\":%.1f,\"p99Us\":%.1f,\"p999Us\":%.1f,\"maxUs\":%.1f,"
        "\"lateP99Us\":%.1f}\n",
        static_cast<unsigned long long>(sent_), static_cast<unsigned long long>(faults_), us(50), us(90), us(99),
        us(99.9), us(100), static_cast<double>(Percentile(lateness_ns_, 99)) / 1000);
  }

 private:
  void Open(size_t number) {
    Connection& one = connections_[number];
    one.fd = ConnectTo(port_);
    SetNonBlocking(one.fd);
    one.is_busy = false;
    one.received.clear();
    Watch(epoll_, one.fd, EPOLLIN, number);
    free_.push_back(number);
  }

  void Arrive(int64_t due_ns) {
    sent_ += 1;
    if (free_.empty()) {
      waiting_.push_back(due_ns);
      return;
    }
    lateness_ns_.push_back(NowNs() - due_ns);
    Send(due_ns);
  }

  /** On the connection that idled longest, so that all of them are in use, as clients' are. */
  void Send(int64_t due_ns) {
    Connection& one = connections_[free_.front()];
    free_.pop_front();
    one.due_ns = due_ns;
    one.is_busy = true;
    // A connection that the server has closed is told of by epoll.
    SendAll(one.fd, request_.data(), request_.size());
  }

  void Wait(int64_t ns) {
    epoll_event events[64];
    const timespec timeout{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    const long count = syscall(SYS_epoll_pwait2, epoll_, events, 64, &timeout, nullptr, 0);
    if (count == -1 && errno != EINTR) Fail("epoll_pwait2");
    for (long at = 0; at < count; at += 1) Receive(static_cast<size_t>(events[at].data.u64));
    while (!waiting_.empty() && !free_.empty()) {
      Send(waiting_.front());
      waiting_.pop_front();
    }
  }

  void Receive(size_t number) {
    Connection& one = connections_[number];
    char bytes[16384];
    const ssize_t length = recv(one.fd, bytes, sizeof bytes, 0);
    if (length == -1 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) return Reopen(number);
    one.received.append(bytes, static_cast<size_t>(length));
    AnswerHead head;
    if (!ReadHead(one.received, head) || one.received.size() < head.length + head.body) return;
    if (!one.is_busy || head.status != 200 || one.received.size() > head.length + head.body) return Reopen(number);
    answered_ += 1;
    times_ns_.push_back(NowNs() - one.due_ns);
    one.is_busy = false;
    one.received.clear();
    free_.push_back(number);
  }

  void Reopen(size_t number) {
    Connection& one = connections_[number];
    close(one.fd);
    if (one.is_busy) GiveUp(one.due_ns);
    else free_.erase(std::find(free_.begin(), free_.end(), number));
    Open(number);
  }

  void GiveUp(int64_t due_ns) {
    faults_ += 1;
    times_ns_.push_back(NowNs() - due_ns);
  }

  const std::string request_;
  const int epoll_;
  std::vector<Connection> connections_;
  const int port_;
  std::deque<size_t> free_;
  std::deque<int64_t> waiting_;
  std::vector<int64_t> times_ns_;
  std::vector<int64_t> lateness_ns_;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  uint64_t faults_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) return 2;
  // Sleeps end on time: the kernel would else add up to 50 µs to each.
  prctl(PR_SET_TIMERSLACK, 1);
  OpenLoop load(std::atoi(arguments[1]), arguments[2], std::atoi(arguments[5]));
  load.Run({std::strtoull(arguments[6], nullptr, 10) * 2 + 1, 1e9 / std::atof(arguments[3])}, std::atoll(arguments[4]));
  load.Report();
  return 0;
}
