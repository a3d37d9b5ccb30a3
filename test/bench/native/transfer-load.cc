// transfer-load PORT HOST down|up BYTES SECONDS CONNECTIONS: bodies of BYTES, one after the other on each connection,
// as fast as they go. The last ones are finished. Prints one line of JSON.
#include "http-answer.h"
#include "sockets.h"

namespace {

struct Transfer {
  int fd = -1;
  uint64_t number = 0;
  uint64_t to_send = 0;
  std::string head;
  uint64_t to_receive = 0;
};

class TransferLoad {
 public:
  TransferLoad(const std::string& host, bool is_up, uint64_t bytes) : is_up_(is_up), bytes_(bytes), body_(1 << 20, 'x') {
    request_ = (is_up ? "PUT" : "GET") + std::string(" /file HTTP/1.1\r\nHost: ") + host + "\r\n" +
               (is_up ? "Content-Length: " + std::to_string(bytes) + "\r\n" : "") + "\r\n";
  }

  void Start(int epoll, Transfer& one) {
    if (!SendAll(one.fd, request_.data(), request_.size())) Fail("send");
    one.to_send = is_up_ ? bytes_ : 0;
    one.head.clear();
    one.to_receive = 0;
    if (is_up_) WatchSending(epoll, one, true);
  }

  void Send(int epoll, Transfer& one) {
    const ssize_t sent = send(one.fd, body_.data(), std::min<uint64_t>(one.to_send, body_.size()), MSG_NOSIGNAL);
    if (sent == -1 && errno != EAGAIN) Fail("send");
    if (sent > 0) one.to_send -= static_cast<uint64_t>(sent);
    if (one.to_send == 0) WatchSending(epoll, one, false);
  }

  /** True when the answer is complete. */
  bool Receive(Transfer& one) {
    if (one.to_receive == 0) return ReceiveHead(one);
    // The kernel throws the bytes away without copying them: the client is not what is measured.
    const ssize_t length = recv(one.fd, nullptr, std::min<uint64_t>(one.to_receive, 1 << 22), MSG_TRUNC);
    if (length == -1 && errno == EAGAIN) return false;
    if (length <= 0) Fail("an answer was cut");
    one.to_receive -= static_cast<uint64_t>(length);
    return one.to_receive == 0;
  }

 private:
  /** A socket that may be written to is told of again and again, also while there is nothing to send. */
  static void WatchSending(int epoll, Transfer& one, bool is_sending) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (is_sending) event.events |= EPOLLOUT;
    event.data.u64 = one.number;
    Checked(epoll_ctl(epoll, EPOLL_CTL_MOD, one.fd, &event), "epoll_ctl");
  }

  bool ReceiveHead(Transfer& one) {
    char received[4096];
    const ssize_t length = recv(one.fd, received, sizeof received, 0);
    if (length == -1 && errno == EAGAIN) return false;
    if (length <= 0) Fail("an answer was cut");
    one.head.append(received, static_cast<size_t>(length));
    AnswerHead head;
    if (!ReadHead(one.head, head)) return false;
    if (head.status != 200 || one.to_send > 0 || (!is_up_ && head.body != bytes_)) {
      std::fprintf(stderr, "not the answer: %s\n", one.head.substr(0, head.length).c_str());
      std::exit(1);
    }
    one.to_receive = head.length + head.body - one.head.size();
    return one.to_receive == 0;
  }

  const bool is_up_;
  const uint64_t bytes_;
  const std::string body_;
  std::string request_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) return 2;
  const bool is_up = std::strcmp(arguments[3], "up") == 0;
  const uint64_t bytes = std::strtoull(arguments[4], nullptr, 10);
  TransferLoad load(arguments[2], is_up, bytes);
  const int epoll = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::vector<Transfer> transfers(static_cast<size_t>(std::atoi(arguments[6])));
  const int64_t start_ns = NowNs();
  const int64_t end_ns = start_ns + std::atoll(arguments[5]) * 1'000'000'000;
  for (size_t number = 0; number < transfers.size(); number += 1) {
    Transfer& one = transfers[number];
    one.fd = ConnectTo(std::atoi(arguments[1]));
    SetNonBlocking(one.fd);
    one.number = number;
    Watch(epoll, one.fd, EPOLLIN, number);
    load.Start(epoll, one);
  }
  uint64_t done = 0;
  size_t running = transfers.size();
  while (running > 0) {
    epoll_event events[16];
    const int ready = epoll_wait(epoll, events, 16, 10'000);
    if (ready == -1 && errno != EINTR) Fail("epoll_wait");
    if (ready == 0) {
      errno = ETIMEDOUT;
      Fail("nothing moves");
    }
    for (int at = 0; at < ready; at += 1) {
      Transfer& one = transfers[events[at].data.u64];
      if ((events[at].events & EPOLLIN) != 0 && load.Receive(one)) {
        done += 1;
        if (NowNs() < end_ns) {
          load.Start(epoll, one);
        } else {
          close(one.fd);
          running -= 1;
          continue;
        }
      }
      if (one.to_send > 0) load.Send(epoll, one);
    }
  }
  std::printf("{\"transfers\":%llu,\"seconds\":%.6f}\n", static_cast<unsigned long long>(done),
              static_cast<double>(NowNs() - start_ns) / 1e9);
  return 0;
}
