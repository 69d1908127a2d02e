"""Chat completions of a server that speaks OpenAI's protocol, with retries; standard library only.

The key comes from an environment variable and goes into one header; it is in no message, log or representation. What
the server says in words is not repeated either, since it may repeat the report or the key.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import os
import random
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from petrg.errors import RemoteError

__all__ = ["Answer", "Format", "Question", "Server", "chat", "send", "server"]

Format = Literal["schema", "object", "text"]
"""How the answer is bound: by a JSON schema, to any JSON object, or not at all (for servers that know neither)."""

_LARGEST = 16 * 2**20
_LONGEST_TIMEOUT_S = 86400.0
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LOCAL = re.compile(r"localhost|127(?:\.\d+){3}|::1")
_CODE = re.compile(r"[a-z_]{1,48}")


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where to ask, and how patiently; made by :func:`server`."""

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 300.0
    """For one answer, whole."""
    attempts: int = 6
    first_wait_s: float = 1.0
    """Doubled at each further attempt, each time between half and all of it; no wait is shorter, whatever the server
    says."""
    longest_wait_s: float = 120.0
    least_patience_s: float = 600.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    option: str = "--base-url"
    """How the user named it, for messages."""
    refused: str = "check the model; where it knows no JSON schema give --answer object or --answer text"
    """What to do where it takes no such request."""

    @property
    def patience_s(self) -> float:
        """For all attempts at one answer together, waits among them: two answers' time, ten minutes at least."""
        return max(self.least_patience_s, 2 * self.timeout_s)

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return urllib.parse.urlsplit(self.base_url).netloc

    @property
    def encrypted(self) -> bool:
        """Whether what is sent is encrypted, or stays on this machine."""
        parts = urllib.parse.urlsplit(self.base_url)
        return parts.scheme == "https" or _is_local(parts.hostname)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One request: ``messages`` are ``{"role": …, "content": …}``; temperature is 0."""

    model: str
    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None = None
    schema_name: str = "answer"
    format: Format = "schema"
    seed: int = 0

    def body(self) -> bytes:
        """The request as JSON."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [dict(message) for message in self.messages],
            "temperature": 0,
            "seed": self.seed,
        }
        if self.format == "schema" and self.schema is not None:
            named = {"name": self.schema_name, "strict": True, "schema": self.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self.format == "object":
            body["response_format"] = {"type": "json_object"}
        return json.dumps(body, ensure_ascii=False).encode()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; tokens are None where the server does not count them."""

    text: str
    finish_reason: str
    refused: bool
    tokens_in: int | None
    tokens_out: int | None


def server(base_url: str, *, api_key_env: str = "OPENAI_API_KEY", must_have_key: bool = False, **how: Any) -> Server:
    """A server by its URL, with or without ``/v1``; the key from the environment variable, if it is set.

    Raises
    ------
    RemoteError
        If the URL is none, or holds a user, a query or a fragment; if the key is wanted and not set, or cannot stand
        in a header.

    Examples
    --------
    >>> [server(url).base_url for url in ("http://localhost:8000", "https://api.example.org/v1/", "http://h/llm/v1")]
    ['http://localhost:8000/v1', 'https://api.example.org/v1', 'http://h/llm/v1']
    """
    key = os.environ.get(api_key_env, "").strip() or None
    if must_have_key and key is None:
        raise RemoteError("the key's environment variable is not set", "a key in it", "export it, or name another")
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise RemoteError(
            "the key's environment variable holds no key", "printable characters without spaces", "export it anew"
        )
    if not 0 < how.get("timeout_s", Server.timeout_s) <= _LONGEST_TIMEOUT_S:
        raise RemoteError("a time for one answer that no clock holds", "at most a day, 86400 s", "give another timeout")
    return Server(base_url=_normalised(base_url, how.get("option", Server.option)), api_key=key, **how)


def _normalised(base_url: str, option: str) -> str:
    fault = RemoteError(
        "the server's URL cannot be used",
        "http:// or https://, a host, and a path, without user, query or fragment",
        f"give {option} as in https://api.example.org/v1",
    )
    try:
        parts = urllib.parse.urlsplit(base_url.strip())
        usable = parts.port is None or parts.port > 0
    except ValueError:
        raise fault from None
    odd = "@" in parts.netloc or parts.query or parts.fragment
    plain = re.fullmatch(r"[!-~]+", base_url.strip()) and all(len(n) < 64 for n in (parts.hostname or "").split("."))
    if not (usable and plain and parts.scheme in ("http", "https") and parts.hostname) or odd:
        raise fault
    path = re.sub(r"(?:/chat)?/completions$", "", parts.path.rstrip("/"))
    if not re.search(r"/v\d+[a-z0-9]*(?:/openai)?$", path):
        path += "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


def chat(at: Server, question: Question) -> Answer:
    """Ask; retry where waiting may help (429, 5xx, a broken connection), as the server's Retry-After says.

    Raises
    ------
    RemoteError
        Where the server refuses, cannot be reached, or answers something else than a chat completion.
    """
    return _answer(send(at, "/chat/completions", question.body()))


def send(at: Server, path: str, body: bytes | None = None) -> bytes:
    """What the server answers to ``body`` (JSON) at ``path``, or to a plain GET; retries as `chat`.

    Raises
    ------
    RemoteError
        Where the server refuses or cannot be reached, or has not answered after `Server.patience_s`.
    """
    fault = RemoteError("the server was not asked", "an attempt", "report it")
    end = time.monotonic() + at.patience_s
    for attempt in range(1, max(1, at.attempts) + 1):
        try:
            return _request(at, path, body, min(at.timeout_s, end - time.monotonic()))
        except _Later as later:
            fault = later.fault
            if attempt == at.attempts:
                break
            backoff = min(at.first_wait_s * 2 ** (attempt - 1), at.longest_wait_s)
            wait = max(later.wait_s or 0.0, backoff * random.uniform(0.5, 1.0))
            if wait > at.longest_wait_s or time.monotonic() + wait >= end:
                break
            at.sleep(wait)
    raise fault


class _Later(Exception):
    """Another attempt may do better, after ``wait_s`` where the server says how long; never leaves this file."""

    def __init__(self, fault: RemoteError, wait_s: float | None = None) -> None:
        super().__init__(str(fault))
        self.fault, self.wait_s = fault, wait_s


def _request(at: Server, path: str, body: bytes | None, timeout_s: float) -> bytes:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "petrg"}
    method = "GET" if body is None else "POST"
    request = urllib.request.Request(f"{at.base_url}{path}", body, headers, method=method)
    if at.api_key is not None:
        request.add_unredirected_header("Authorization", f"Bearer {at.api_key}")
    deadline = time.monotonic() + timeout_s
    try:
        with _opener(at).open(request, timeout=timeout_s) as response:
            return _read(response, deadline, at.option)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error, at, path) from None
    except urllib.error.URLError as error:
        raise _unreached(error.reason, at) from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreached(error, at) from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follow no redirection: neither the report nor the key goes to a host that the user did not name."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _opener(at: Server) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_Stay()]
    if _is_local(urllib.parse.urlsplit(at.base_url).hostname):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _is_local(host: str | None) -> bool:
    return bool(_LOCAL.fullmatch(host or ""))


def _read(response: http.client.HTTPResponse, deadline: float, option: str) -> bytes:
    """The body, within the deadline and a size that no answer has."""
    parts: list[bytes] = []
    _wait_until(deadline, response)
    while part := response.read1(65536):
        parts.append(part)
        _wait_until(deadline, response)
        if sum(map(len, parts)) > _LARGEST:
            raise RemoteError("the server's answer does not end", f"at most {_LARGEST >> 20} MiB", f"check {option}")
    whole = b"".join(parts)
    if response.length:  # read1 does not say that the connection ended early
        raise http.client.IncompleteRead(whole, response.length)
    return whole


def _wait_until(deadline: float, response: http.client.HTTPResponse) -> None:
    """Let the next read end at the deadline: urllib's own timeout begins anew with every read.

    urllib hands out no socket; where its private one is not found, the deadline holds between reads only.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection = getattr(getattr(response.fp, "raw", None), "_sock", None)
    if connection is not None:
        connection.settimeout(left)


def _refused(error: urllib.error.HTTPError, at: Server, path: str) -> Exception:
    status = error.code
    said = f"the server answered {status} {_phrase(status)}{_code_in(error)}"
    if status in (401, 403):
        return RemoteError(said, "a key that may use the model", "set the key's environment variable (--api-key-env)")
    if status in _RETRIED:
        do = "wait and start again"
        return _Later(RemoteError(said, "an answer", do), _retry_after(error.headers.get("Retry-After")))
    if 300 <= status < 400:
        return RemoteError(said, "an answer, no redirection", f"give the URL it ends at as {at.option}")
    if status == 404:
        return RemoteError(said, f"a server with /v1{path} and this model", f"check {at.option} and the model")
    if status == 413:
        return RemoteError(said, "a report that the model can hold", "use a model with a longer context")
    return RemoteError(said, "an answer", at.refused)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "(no known status)"


def _code_in(error: urllib.error.HTTPError) -> str:
    """The error's code, a word such as ``model_not_found``; its message is not repeated."""
    try:
        said = json.loads(error.read(65536)).get("error")
        code = said.get("code") or said.get("type")
    except (ValueError, AttributeError, OSError, http.client.HTTPException, RecursionError):
        return ""
    return f" ({code})" if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _retry_after(said: str | None) -> float | None:
    """Seconds that a Retry-After header asks to wait, given as seconds or as a date."""
    if not said:
        return None
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", said.strip()):
        return float(said)
    try:
        at = email.utils.parsedate_to_datetime(said).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, at - time.time())


def _unreached(reason: object, at: Server) -> Exception:
    """What a broken connection is to the user; wrong names and certificates do not mend by waiting."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        do = "give the host its certificate names, or trust its authority by SSL_CERT_FILE"
        return RemoteError(f"the certificate of {at.host} cannot be verified", "a certificate that this host has", do)
    if isinstance(reason, socket.gaierror):
        return RemoteError(f"there is no host {at.host}", "a server", f"check {at.option}")
    if isinstance(reason, ssl.SSLError) and not isinstance(reason, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return RemoteError(f"{at.host} does not speak TLS", "a server of https", f"check {at.option}")
    if isinstance(reason, TimeoutError):
        fault = RemoteError(
            f"{at.host} gave no answer within {at.timeout_s:g} s", "an answer", "give --timeout, or fewer --workers"
        )
        return _Later(fault)
    kind = "refuses connections" if isinstance(reason, ConnectionRefusedError) else "broke the connection"
    do = f"check that the server runs and {at.option}"
    return _Later(RemoteError(f"{at.host} {kind}", "a running server", do))


def _answer(raw: bytes) -> Answer:
    try:
        document = json.loads(raw)
        choice = document["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        reason, usage = choice.get("finish_reason"), document.get("usage")
        usage = usage if isinstance(usage, dict) else {}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise RemoteError(
            "the server's answer is no chat completion", "choices with a message", "check --base-url"
        ) from None
    return Answer(
        # JSON can hold half characters, which neither a file nor the next question can
        text=text.encode("utf-8", "replace").decode() if isinstance(text, str) else "",
        finish_reason=reason if isinstance(reason, str) else "",
        refused=bool(refusal) or reason == "content_filter",
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
