"""A WSGI app: what Django, Flask and their like hand to a server is a callable such as this one."""

import html
import os
import sys

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>WSGI</title>
<style>
  :root {{ color-scheme: light dark; --accent: light-dark(#1d5c4d, #8fd9c4); }}
  body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem;
         color: light-dark(#24212b, #e9e6ee); background: light-dark(#fbf9f6, #17151c); }}
  h1 {{ font-size: 2.6rem; color: var(--accent); letter-spacing: -0.02em; }}
  footer {{ margin-top: 3rem; font-size: 0.85rem; opacity: 0.7; }}
</style>
<h1>{greeting}</h1>
<p>You are {address}, and you asked for {path}. No HTTP was read in Python: the router did, and passed on what it says.</p>
<footer>Python {version}, process {pid}, generation {generation}</footer>
</html>
"""


def application(environ, start_response):
    if environ["PATH_INFO"] != "/":
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"not found\n"]
    page = PAGE.format(
        greeting=html.escape(os.environ.get("GREETING", "Hello")),
        address=html.escape(environ["REMOTE_ADDR"]),
        path=html.escape(environ["REQUEST_URI"]),
        version=html.escape(sys.version.split()[0]),
        pid=os.getpid(),
        generation=html.escape(os.environ.get("EMPEROR_GENERATION", "?")),
    )
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")])
    return [page.encode()]
