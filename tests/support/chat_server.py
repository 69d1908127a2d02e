"""A server of chat completions for tests: answers from a script, remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer; ``raw`` instead of JSON, ``drop`` closes the connection without one."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    drop: bool = False
    cut: bool = False
    wait_s: float = 0.0


def completion(content: str | None, *, finish: str = "stop", refusal: str | None = None, usage: bool = True) -> Reply:
    """A chat completion as servers send it."""
    body: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
            }
        ],
    }
    if usage:
        body["usage"] = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    return Reply(body=body)


@dataclass
class ChatServer:
    """What happened: requests in order, and how many ran at once at most."""

    url: str = ""
    answer: Callable[[dict[str, Any], int], Reply] = field(default=lambda body, count: completion("{}"))
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, handler: BaseHTTPRequestHandler) -> Reply:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            self.requests.append(body)
            self.headers.append(dict(handler.headers))
            self.paths.append(handler.path)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            count = len(self.requests)
        try:
            reply = self.answer(body, count)
            time.sleep(reply.wait_s)
            return reply
        finally:
            with self._lock:
                self._running -= 1


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server on a free port of this machine, until the end of the block."""
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            reply = state.take(self)
            if reply.drop:
                self.close_connection = True
                self.connection.close()
                return
            raw = json.dumps(reply.body).encode() if reply.raw is None else reply.raw
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw) + (10 if reply.cut else 0)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(raw)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # the client went away, as some tests want
                super().handle()

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *args: object) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as running:
        state.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            running.shutdown()
            thread.join()
