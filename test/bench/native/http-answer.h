// How much of an HTTP/1.1 answer with a Content-Length is still to come. It trusts the server that is measured: what
// it does not understand is a fault of the run.
#pragma once

#include <strings.h>

#include <cstdlib>
#include <cstring>
#include <string>

struct AnswerHead {
  int status = 0;
  /** Bytes of the head with its empty line. */
  size_t length = 0;
  uint64_t body = 0;
};

/** True once `bytes` begins with a whole head, which is put into `head`. */
inline bool ReadHead(const std::string& bytes, AnswerHead& head) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  head = {};
  head.length = end + 4;
  if (bytes.size() > 12 && bytes.compare(0, 5, "HTTP/") == 0) head.status = std::atoi(bytes.c_str() + 9);
  for (size_t at = bytes.find("\r\n"); at < end; at = bytes.find("\r\n", at + 2)) {
    if (strncasecmp(bytes.c_str() + at + 2, "content-length:", 15) == 0)
      head.body = std::strtoull(bytes.c_str() + at + 17, nullptr, 10);
  }
  return true;
}
