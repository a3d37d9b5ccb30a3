"""A web server of Python's standard library alone: it serves HTTP on $PORT and ends by SIGTERM."""

import html
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Python</title>
<style>
  :root {{ color-scheme: light dark; --accent: light-dark(#7a1f4b, #f0a6c8); }}
  body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem;
         color: light-dark(#24212b, #e9e6ee); background: light-dark(#fbf9f6, #17151c); }}
  h1 {{ font-size: 2.6rem; color: var(--accent); letter-spacing: -0.02em; }}
  footer {{ margin-top: 3rem; font-size: 0.85rem; opacity: 0.7; }}
</style>
<h1>{greeting}</h1>
<p>Python {version}, and nothing but its standard library. Emperor gave it a port and took it from there.</p>
<footer>answered by process {pid}</footer>
</html>
"""


class Handler(BaseHTTPRequestHandler):
    # With 1.1 a connection is kept for the next request; every answer must then say its length.
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second must not wait for the first to be acknowledged.
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path != "/":
            self.answer(404, "text/plain; charset=utf-8", "not found\n")
            return
        greeting = html.escape(os.environ.get("GREETING", "Hello"))
        text = PAGE.format(greeting=greeting, version=sys.version.split()[0], pid=os.getpid())
        self.answer(200, "text/html; charset=utf-8", text)

    do_HEAD = do_GET

    def answer(self, status, content_type, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        """The router writes the access log."""


class Server(ThreadingHTTPServer):
    # A kept-alive connection must not keep the process from ending.
    daemon_threads = True


def main():
    server = Server(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler)

    def stop(_signal, _frame):
        # shutdown() waits for serve_forever() to return, and that runs in this very thread.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"serving on port {server.server_port}", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
