"""Server: the page and its answers, for one browser on this machine and no one else."""

from __future__ import annotations

import hmac
import json
import secrets
import sys
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Protocol

from simulator.base.errors import InputError, SimulatorError

HOST = "127.0.0.1"
LONGEST_BODY = 65_536
"""Bytes of a question; one that names every exit and cable of a large network takes a tenth."""
_PATIENCE_S = 10.0
"""Longest wait for a request that has begun."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Site(Protocol):
    """What a server shows."""

    page: bytes
    policy: str

    def answer(self, what: str, data: Any) -> Any:
        """Return the answer to a question as plain data.

        Raises
        ------
        KeyError
            There is no such question.
        InputError
            The question is wrong.
        """
        ...


class _Refused(Exception):
    """A request that gets no answer."""

    def __init__(self, status: HTTPStatus, letter: str) -> None:
        super().__init__(letter)
        self.status, self.letter = status, letter


class Server(ThreadingHTTPServer):
    """An HTTP server on the loopback interface, behind a random token in the address.

    Parameters
    ----------
    site : Site
    port : int
        0 for any that is free.
    """

    daemon_threads = False  # joined on close, so that none is left
    allow_reuse_address = sys.platform != "win32"  # there it would let others share the port

    def __init__(self, site: Site, port: int = 0) -> None:
        self.site, self.token = site, secrets.token_urlsafe(24)
        super().__init__((HOST, port), _Handler)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    @property
    def names(self) -> tuple[str, ...]:
        """What browsers on this machine may call this server."""
        return f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up; print what went wrong otherwise."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            traceback.print_exc()


class _Reply(NamedTuple):
    status: HTTPStatus
    kind: str
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    """Checks a request, from where it comes to what it holds, and answers it."""

    server: Server
    timeout = _PATIENCE_S
    server_version, sys_version = "simulator", ""

    def do_GET(self) -> None:
        """Send the page."""
        self._reply(self._page)

    def do_POST(self) -> None:
        """Answer a question."""
        self._reply(self._answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing; the address holds the token."""

    def _reply(self, make: Any) -> None:
        try:
            reply = make(self._place())
        except _Refused as refused:
            reply = _json(refused.status, {"letter": refused.letter})
        except Exception:  # noqa: BLE001 -- the server goes on; browser and terminal both say so
            traceback.print_exc()
            letter = "the server failed; the terminal shows where"
            reply = _json(HTTPStatus.INTERNAL_SERVER_ERROR, {"letter": letter})
        self.send_response(reply.status)
        for name, value in {
            **_HEADERS,
            "Content-Security-Policy": self.server.site.policy,
            "Content-Type": f"{reply.kind}; charset=utf-8",
            "Content-Length": str(len(reply.body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    # -- checks -----------------------------------------------------------------------------------

    def _place(self) -> str:
        """Return what is asked for below the token, of a request that may ask."""
        if self._only("Host") not in self.server.names:
            raise _Refused(HTTPStatus.FORBIDDEN, "this server has another name")
        _, token, *rest = (*self.path.split("/", 2), "")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode()):
            raise _Refused(HTTPStatus.FORBIDDEN, "the token in the address is wrong")
        return rest[0]

    def _only(self, name: str) -> str | None:
        """Return a header that stands once; None where it is not there, or several times."""
        found = self.headers.get_all(name, [])
        return found[0] if len(found) == 1 else None

    def _check_origin(self) -> None:
        if self._only("Origin") not in {f"http://{name}" for name in self.server.names}:
            raise _Refused(HTTPStatus.FORBIDDEN, "questions come from the page itself only")
        if self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise _Refused(HTTPStatus.FORBIDDEN, "questions come from the page itself only")

    def _data(self) -> Any:
        if self.headers.get_content_type() != "application/json":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
        length = self._only("Content-Length")
        if length is None or not (length.isascii() and length.isdigit()):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "expected one Content-Length")
        if len(length) > 9 or int(length) > LONGEST_BODY:
            message = f"expected at most {LONGEST_BODY:,} bytes"
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        try:
            return json.loads(self.rfile.read(int(length)), parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, f"request: expected JSON: {error}") from None

    # -- answers ----------------------------------------------------------------------------------

    def _page(self, place: str) -> _Reply:
        if place:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is one page only")
        return _Reply(HTTPStatus.OK, "text/html", self.server.site.page)

    def _answer(self, place: str) -> _Reply:
        self._check_origin()
        try:
            return _json(HTTPStatus.OK, self.server.site.answer(place, self._data()))
        except KeyError:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such question") from None
        except InputError as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
        except SimulatorError as error:
            raise _Refused(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from None


def _json(status: HTTPStatus, value: Any) -> _Reply:
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return _Reply(status, "application/json", text.encode())


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")
