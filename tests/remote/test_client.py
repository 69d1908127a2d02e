"""The client against a server of this machine: what it sends, when it tries again, what it never says."""

from __future__ import annotations

import email.utils
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from chat_server import ChatServer, Reply, chat_server, completion

from petrg.errors import RemoteError
from petrg.remote import Question, Server, chat, client, server

KEY = "sk-very-secret-0123456789"
SECRET = "findings of one patient"
QUESTION = Question(model="m", messages=[{"role": "user", "content": SECRET}], schema={"type": "object"})


@pytest.fixture
def remote() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def ask(remote: ChatServer, waits: list[float] | None = None, question: Question = QUESTION, **how: object):  # type: ignore[no-untyped-def]
    slept = [] if waits is None else waits
    at = server(remote.url, sleep=slept.append, **how)  # type: ignore[arg-type]
    return chat(at, question)


def test_what_is_sent_and_what_comes_back(remote: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    remote.answer = lambda body, count: completion("hello")
    answer = ask(remote, api_key_env="MY_KEY")
    assert (answer.text, answer.finish_reason, answer.refused) == ("hello", "stop", False)
    assert (answer.tokens_in, answer.tokens_out) == (1000, 200)
    assert remote.paths == ["/v1/chat/completions"]
    assert remote.headers[0]["Authorization"] == f"Bearer {KEY}"
    sent = remote.requests[0]
    assert (sent["model"], sent["temperature"], sent["seed"]) == ("m", 0, 0)
    assert sent["messages"] == [{"role": "user", "content": SECRET}]
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}},
    }


@pytest.mark.parametrize(("form", "sent"), [("object", {"type": "json_object"}), ("text", None)])
def test_servers_without_schemas(form: str, sent: object, remote: ChatServer) -> None:
    ask(remote, question=Question(model="m", messages=[], schema={}, format=form))  # type: ignore[arg-type]
    assert remote.requests[0].get("response_format") == sent


def test_no_key_no_header(remote: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    ask(remote)
    assert "Authorization" not in remote.headers[0]


def test_429_waits_as_long_as_it_says(remote: ChatServer) -> None:
    later = email.utils.formatdate(time.time() + 30, usegmt=True)
    replies = [Reply(429, {}, {"Retry-After": "7"}), Reply(503, {}, {"Retry-After": later}), completion("ok")]
    remote.answer = lambda body, count: replies[count - 1]
    waits: list[float] = []
    assert ask(remote, waits).text == "ok"
    assert waits[0] == 7
    assert 27 <= waits[1] <= 30


def test_a_wait_beyond_patience_ends_it(remote: ChatServer) -> None:
    remote.answer = lambda body, count: Reply(429, {}, {"Retry-After": "86400"})
    with pytest.raises(RemoteError, match="429 Too Many Requests"):
        ask(remote)
    assert len(remote.requests) == 1


def test_a_wait_of_nothing_is_not_obeyed(remote: ChatServer) -> None:
    remote.answer = lambda body, count: Reply(429, {}, {"Retry-After": "0"})
    waits: list[float] = []
    with pytest.raises(RemoteError, match="429 Too Many Requests"):
        ask(remote, waits)
    assert len(waits) == 5
    assert all(wait >= 0.5 * 2**number for number, wait in enumerate(waits))


@pytest.mark.parametrize(("timeout_s", "asked", "ended"), [(300.0, [300, 299], 600), (1000.0, [1000, 999], 2000)])
def test_a_server_that_hangs_is_given_up_after_two_answers_time(
    timeout_s: float, asked: list[int], ended: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, given = [0.0], []

    def hang(at: Server, path: str, body: bytes | None, seconds: float) -> bytes:
        given.append(seconds)
        now[0] += seconds
        raise client._unreached(TimeoutError(), at)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(client, "_request", hang)
    with pytest.raises(RemoteError, match="gave no answer within"):
        chat(server("http://localhost", timeout_s=timeout_s, sleep=sleep), QUESTION)
    assert given == pytest.approx(asked, abs=1.0)
    assert now[0] <= ended


def test_500s_back_off_ever_longer_with_jitter(remote: ChatServer) -> None:
    faults = [500, 502, 503, 504, 529]
    remote.answer = lambda body, count: Reply(faults[count - 1], {}) if count < 6 else completion("ok")
    waits: list[float] = []
    assert ask(remote, waits).text == "ok"
    assert len(waits) == 5
    for number, wait in enumerate(waits):
        assert 0.5 * 2**number <= wait <= 2**number


def test_it_gives_up(remote: ChatServer) -> None:
    remote.answer = lambda body, count: Reply(502, {})
    with pytest.raises(RemoteError, match="502 Bad Gateway"):
        ask(remote, attempts=3)
    assert len(remote.requests) == 3


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "a key that may use"), (403, "a key"), (404, "this model"), (400, "--answer object"), (413, "longer")],
)
def test_refusals_are_not_repeated(status: int, says: str, remote: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    body = {"error": {"message": f"Incorrect API key {KEY} for {SECRET}", "code": "invalid_api_key"}}
    remote.answer = lambda b, count: Reply(status, body)
    with pytest.raises(RemoteError, match=says) as caught:
        ask(remote)
    assert len(remote.requests) == 1
    assert "invalid_api_key" in str(caught.value)
    assert KEY not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("code", [KEY, SECRET, 7, None, {"a": 1}, "x" * 99])
def test_only_a_word_of_the_servers_error_is_said(code: object, remote: ChatServer) -> None:
    remote.answer = lambda b, count: Reply(400, {"error": {"message": "m", "code": code}})
    with pytest.raises(RemoteError) as caught:
        ask(remote)
    assert str(caught.value).startswith("the server answered 400 Bad Request — ")


def test_redirections_are_not_followed(remote: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server() as other:
        target = f"{other.url}/v1/chat/completions"
        remote.answer = lambda body, count: Reply(307 if count == 1 else 302, {}, {"Location": target})
        for _ in range(2):
            with pytest.raises(RemoteError, match="no redirection"):
                ask(remote)
        assert other.requests == []


def test_broken_connections_are_tried_again(remote: ChatServer) -> None:
    whole = completion("ok")
    replies = [Reply(drop=True), Reply(raw=b'{"choices": [', cut=True), whole]
    remote.answer = lambda body, count: replies[count - 1]
    assert ask(remote).text == "ok"
    assert len(remote.requests) == 3


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    waits: list[float] = []
    with pytest.raises(RemoteError, match=f"127.0.0.1:{port} refuses connections"):
        chat(server(f"http://127.0.0.1:{port}", attempts=3, sleep=waits.append), QUESTION)
    assert len(waits) == 2


def test_a_silent_server_times_out(remote: ChatServer) -> None:
    remote.answer = lambda body, count: Reply(200, {}, wait_s=0.6)
    with pytest.raises(RemoteError, match=r"gave no answer within 0.2 s"):
        ask(remote, timeout_s=0.2, attempts=1)


def test_the_time_for_an_answer_holds_within_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a body that comes in parts, each read may wait only for what the parts before it left."""
    now, waits = [100.0], []

    class Slow:
        length = 0
        fp = SimpleNamespace(raw=SimpleNamespace(_sock=SimpleNamespace(settimeout=waits.append)))

        def read1(self, _: int) -> bytes:
            now[0] += 3.0
            return b"x" if now[0] < 109 else b""

    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert client._read(cast(Any, Slow()), 110.0, "--base-url") == b"xx"
    assert waits == [10.0, 7.0, 4.0]
    with pytest.raises(TimeoutError):
        client._read(cast(Any, Slow()), 109.0, "--base-url")


def test_http_spoken_to_https_is_named_at_once(remote: ChatServer) -> None:
    with pytest.raises(RemoteError, match="does not speak TLS"):
        chat(server(remote.url.replace("http:", "https:"), sleep=_never), QUESTION)


def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    certificate = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            connection, _ = listening.accept()
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        with pytest.raises(RemoteError, match=r"certificate of 127\.0\.0\.1"):
            chat(server(f"https://127.0.0.1:{listening.getsockname()[1]}", sleep=_never), QUESTION)
        thread.join()


@pytest.mark.parametrize(
    "raw",
    [b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{}]}', b'{"choices": [{"message": 1}]}', b"\xff"],
)
def test_what_is_no_completion(raw: bytes, remote: ChatServer) -> None:
    remote.answer = lambda body, count: Reply(raw=raw)
    with pytest.raises(RemoteError, match="no chat completion"):
        ask(remote)


def test_tokens_not_counted_are_none(remote: ChatServer) -> None:
    remote.answer = lambda body, count: completion("x", usage=False)
    assert ask(remote).tokens_in is None


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://h:8000", "http://h:8000/v1"),
        ("http://h:8000/v1", "http://h:8000/v1"),
        ("https://h/v1/", "https://h/v1"),
        ("https://h/v1/chat/completions", "https://h/v1"),
        ("https://h/api/paas/v4", "https://h/api/paas/v4"),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_base_urls(url: str, base: str) -> None:
    assert server(url).base_url == base


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:8000", "ftp://h", "http://", "http://u:p@h", "http://h?key=1", "http://h#x"),
        *("http://h:99999", "http://h o", "http://hé", "file:///etc/passwd", f"http://{'a' * 70}.org"),
    ],
)
def test_base_urls_that_are_none(url: str) -> None:
    with pytest.raises(RemoteError, match="URL cannot be used"):
        server(url)


@pytest.mark.parametrize("seconds", [1e300, float("inf"), float("nan"), 0.0, 86401.0])
def test_a_timeout_beyond_a_day_is_refused(seconds: float) -> None:
    with pytest.raises(RemoteError, match="no clock holds"):
        server("http://localhost", timeout_s=seconds)


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    at = server("http://h", api_key_env="MY_KEY")
    assert at.api_key == KEY
    assert KEY not in repr(at)
    with pytest.raises(RemoteError, match="is not set"):
        server("http://h", api_key_env="NOT_SET", must_have_key=True)
    monkeypatch.setenv("MY_KEY", "two\nlines")
    with pytest.raises(RemoteError, match="holds no key") as caught:
        server("http://h", api_key_env="MY_KEY")
    assert "two" not in str(caught.value)


def test_what_is_encrypted() -> None:
    assert server("https://api.example.org").encrypted
    assert server("http://localhost:1").encrypted
    assert not server("http://llm.hospital.example").encrypted
    assert server("http://llm.hospital.example:8000/x").host == "llm.hospital.example:8000"


def test_no_proxy_stands_before_this_machine(remote: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    remote.answer = lambda body, count: completion("direct")
    assert ask(remote).text == "direct"


def test_a_server_is_a_value() -> None:
    assert Server(base_url="http://h/v1") == Server(base_url="http://h/v1")


def _never(seconds: float) -> None:
    raise AssertionError("waiting does not mend this")


def _self_signed(folder: Path) -> Path:
    """A certificate that nobody vouches for, with its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make a certificate")
    path = folder / "server.pem"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(folder / "certificate")]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (folder / "certificate").read_bytes())
    return path
