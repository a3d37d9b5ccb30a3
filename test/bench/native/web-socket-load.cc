// web-socket-load PORT HOST SECONDS CONNECTIONS BYTES: WebSocket clients that send a message each, wait for its echo and
// send the next. Prints one line of JSON.
#include "http-answer.h"
#include "sockets.h"

namespace {

struct Client {
  int fd = -1;
  int64_t sent_ns = 0;
  size_t received = 0;
};

/** A masked binary message, as clients must send it; `bytes` between 126 and 65535. */
std::string Message(size_t bytes) {
  const char mask[4] = {0x12, 0x34, 0x56, 0x78};
  std::string frame{static_cast<char>(0x82), static_cast<char>(0x80 | 126), static_cast<char>(bytes >> 8),
                    static_cast<char>(bytes & 0xff)};
  frame.append(mask, 4);
  for (size_t at = 0; at < bytes; at += 1) frame.push_back(static_cast<char>('a' ^ mask[at % 4]));
  return frame;
}

int Open(int port, const std::string& host) {
  const int fd = ConnectTo(port);
  // The key of the RFC's example: who knows it knows the answer.
  const std::string request = "GET /echo HTTP/1.1\r\nHost: " + host +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  if (!SendAll(fd, request.data(), request.size())) Fail("send");
  std::string received;
  AnswerHead head;
  while (!ReadHead(received, head)) {
    char byte;
    if (recv(fd, &byte, 1, 0) != 1) Fail("handshake");
    received.push_back(byte);
  }
  if (head.status != 101 || received.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == std::string::npos) {
    std::fprintf(stderr, "no WebSocket: %s\n", received.c_str());
    std::exit(1);
  }
  SetNonBlocking(fd);
  return fd;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 6) return 2;
  const size_t bytes = static_cast<size_t>(std::atoi(arguments[5]));
  const std::string message = Message(bytes);
  // An echo is not masked.
  const size_t echo = message.size() - 4;
  const int epoll = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::vector<Client> clients(static_cast<size_t>(std::atoi(arguments[4])));
  for (size_t number = 0; number < clients.size(); number += 1) {
    clients[number].fd = Open(std::atoi(arguments[1]), arguments[2]);
    Watch(epoll, clients[number].fd, EPOLLIN, number);
  }
  std::vector<int64_t> times_ns;
  const int64_t start_ns = NowNs();
  const int64_t end_ns = start_ns + std::atoll(arguments[3]) * 1'000'000'000;
  for (Client& one : clients) {
    one.sent_ns = NowNs();
    if (!SendAll(one.fd, message.data(), message.size())) Fail("send");
  }
  int64_t now_ns = start_ns;
  while (now_ns < end_ns) {
    epoll_event events[64];
    const int ready = epoll_wait(epoll, events, 64, 1000);
    if (ready == -1 && errno != EINTR) Fail("epoll_wait");
    for (int at = 0; at < ready; at += 1) {
      Client& one = clients[events[at].data.u64];
      char received[65536];
      const ssize_t length = recv(one.fd, received, sizeof received, 0);
      if (length == -1 && errno == EAGAIN) continue;
      if (length <= 0) Fail("recv");
      if (one.received == 0 && static_cast<unsigned char>(received[0]) != 0x82) Fail("not an echo");
      one.received += static_cast<size_t>(length);
      if (one.received < echo) continue;
      if (one.received > echo) Fail("more than an echo");
      now_ns = NowNs();
      times_ns.push_back(now_ns - one.sent_ns);
      one.received = 0;
      one.sent_ns = now_ns;
      if (!SendAll(one.fd, message.data(), message.size())) Fail("send");
    }
    now_ns = NowNs();
  }
  std::sort(times_ns.begin(), times_ns.end());
  std::printf("{\"messages\":%zu,\"seconds\":%.6f,\"p50Us\":%.1f,\"p99Us\":%.1f}\n", times_ns.size(),
              static_cast<double>(now_ns - start_ns) / 1e9, static_cast<double>(Percentile(times_ns, 50)) / 1000,
              static_cast<double>(Percentile(times_ns, 99)) / 1000);
  return 0;
}
