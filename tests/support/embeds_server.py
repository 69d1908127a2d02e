"""A server of prompt embeddings for tests, which decodes them as vLLM does and remembers them."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import torch


@contextmanager
def embeds_server(
    hidden: int,
    text: str = "肝脏未见异常。",
    *,
    finish: str = "stop",
    busy: int = 0,
    models: Any = None,
    answer: Any = None,
) -> Iterator[SimpleNamespace]:
    """A server of ``/v1/models`` and ``/v1/completions`` that decodes prompts as vLLM does, and remembers them."""
    seen = SimpleNamespace(url="", prompts=[], bodies=[], paths=[], busy=busy)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.paths.append(self.path)
            self.reply(200, {"data": [{"id": "petrg-lm"}]} if models is None else models)

        def do_POST(self) -> None:
            seen.paths.append(self.path)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if seen.busy:
                seen.busy -= 1
                self.reply(503, {"error": {"code": "overloaded"}})
                return
            fault = self.decode(body)
            if fault:
                self.reply(400, {"error": {"code": fault}})
                return
            choice = {"index": 0, "text": text, "finish_reason": finish}
            self.reply(200, answer or {"choices": [choice], "usage": {"completion_tokens": 7}})

        def decode(self, body: dict[str, Any]) -> str:
            raw = base64.b64decode(body["prompt_embeds"], validate=True)
            prompt = torch.load(io.BytesIO(raw), weights_only=True, map_location="cpu")
            if not isinstance(prompt, torch.Tensor) or prompt.dim() != 2 or prompt.shape[1] != hidden:
                return "wrong_shape"
            if prompt.dtype not in (torch.float32, torch.bfloat16, torch.float16):
                return "wrong_dtype"
            seen.prompts.append(prompt)
            seen.bodies.append({k: v for k, v in body.items() if k != "prompt_embeds"})
            return ""

        def reply(self, status: int, body: Any) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        seen.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            running.shutdown()
            thread.join()
