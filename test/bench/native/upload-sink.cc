// upload-sink SOCKET: reads whole request bodies that have a Content-Length, keeps nothing of them, and answers 200.
#include "http-answer.h"
#include "serve.h"

namespace {

struct Peer {
  std::string head;
  uint64_t to_read = 0;
};

const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

bool Take(int fd, Peer& peer, const char* bytes, size_t length) {
  if (peer.to_read == 0) {
    peer.head.append(bytes, length);
    AnswerHead head;
    // Requests and answers are alike but for their first line.
    if (!ReadHead(peer.head, head)) return true;
    const size_t arrived = peer.head.size() - head.length;
    peer.head.clear();
    if (head.body > arrived) {
      peer.to_read = head.body - arrived;
      return true;
    }
    return SendAll(fd, kAnswer.data(), kAnswer.size());
  }
  if (length > peer.to_read) return false;
  peer.to_read -= length;
  return peer.to_read > 0 || SendAll(fd, kAnswer.data(), kAnswer.size());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  ServeAt<Peer>(arguments[1], Take);
}
