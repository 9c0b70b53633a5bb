"""A relay between a post and its ministry that can lie, stall, cut and answer by itself.

It forwards to the real ministry. A test tells it what to do with the requests that it names; what
passed is kept, so that a test can say what was asked and how often.
"""

import http.client
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Exchange:
    """One request and its answer; a trick may change the answer or set what is cut."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    cut_answer: int | None = None


Trick = Callable[[Exchange], None]


@dataclass
class _Rule:
    method: str
    path: re.Pattern[str]
    trick: Trick
    times: int
    before: bool
    keep: int | None = None


class Relay:
    """Listens on a port of its own; `server` is its address."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.rules: list[_Rule] = []
        self.seen: list[Exchange] = []
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                relay.serve(self)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._listener.daemon_threads = True
        self.server = f"http://127.0.0.1:{self._listener.server_port}"
        self._thread = threading.Thread(target=self._listener.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; again is harmless."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    # -- what a test tells it ------------------------------------------------------------------

    def alter(self, method: str, path: str, trick: Trick, *, times: int = 10**6) -> None:
        """Change the ministry's answers to these requests."""
        self.rules.append(_Rule(method, re.compile(path), trick, times, before=False))

    def answer(self, method: str, path: str, trick: Trick, *, times: int = 10**6) -> None:
        """Answer these requests without asking the ministry; `trick` fills in the answer."""
        self.rules.append(_Rule(method, re.compile(path), trick, times, before=True))

    def cut_request(self, method: str, path: str, keep: int, *, times: int = 1) -> None:
        """Forward only the first `keep` bytes of the body, then drop both lines."""
        rule = _Rule(method, re.compile(path), lambda _exchange: None, times, before=False)
        rule.keep = keep
        self.rules.append(rule)

    def asked(self, method: str, path: str) -> list[Exchange]:
        """What was asked with that method at addresses that match."""
        return [each for each in self.seen if each.method == method and re.search(path, each.path)]

    # -- at work -------------------------------------------------------------------------------

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Relay one request."""
        handler.close_connection = True
        line = handler.rfile.readline(65537)
        handler.raw_requestline = line  # type: ignore[attr-defined] # what parse_request reads
        if not line or not handler.parse_request():
            return
        headers = {name.lower(): value for name, value in handler.headers.items()}
        size = int(headers.get("content-length", "0"))
        exchange = Exchange(handler.command, handler.path, headers, b"")
        self.seen.append(exchange)
        rule = self._rule_for(exchange)
        if rule is not None and rule.keep is not None:
            exchange.body = handler.rfile.read(rule.keep)
            self._forward_part(exchange, size)
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        exchange.body = handler.rfile.read(size)
        if rule is not None and rule.before:
            rule.trick(exchange)
        else:
            self._forward(exchange)
            if rule is not None:
                rule.trick(exchange)
        self._reply(handler, exchange)

    def _rule_for(self, exchange: Exchange) -> _Rule | None:
        for rule in self.rules:
            fits = rule.method == exchange.method and rule.path.search(exchange.path)
            if fits and rule.times > 0:
                rule.times -= 1
                return rule
        return None

    def _forward(self, exchange: Exchange) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self._target, timeout=60)
        try:
            line.request(exchange.method, exchange.path, exchange.body, self._passed(exchange))
            answer = line.getresponse()
            exchange.status = answer.status
            exchange.answer_headers = dict(answer.getheaders())
            exchange.answer = answer.read()
        finally:
            line.close()

    def _forward_part(self, exchange: Exchange, size: int) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as line:
            head = [f"{exchange.method} {exchange.path} HTTP/1.1", f"content-length: {size}"]
            head += [f"{name}: {value}" for name, value in self._passed(exchange).items()]
            line.sendall("\r\n".join([*head, "", ""]).encode() + exchange.body)

    @staticmethod
    def _passed(exchange: Exchange) -> dict[str, str]:
        return {name: value for name, value in exchange.headers.items() if name not in _HOP}

    @staticmethod
    def _reply(handler: BaseHTTPRequestHandler, exchange: Exchange) -> None:
        if exchange.cut_answer == 0:
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response_only(exchange.status)
        for name, value in exchange.answer_headers.items():
            if name.lower() not in _HOP:
                handler.send_header(name, value)
        length = len(exchange.answer)
        if exchange.method == "HEAD":
            length = int(exchange.answer_headers.get("content-length", "0"))
        handler.send_header("Content-Length", str(length))
        handler.send_header("Connection", "close")
        handler.end_headers()
        cut = exchange.cut_answer
        handler.wfile.write(exchange.answer if cut is None else exchange.answer[:cut])
        handler.wfile.flush()
