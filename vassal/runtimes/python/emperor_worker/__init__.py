"""Serves a WSGI app (PEP 3333) to the router over the gateway protocol. Started by worker.py; nothing of it is an API."""
