"""A live page that is served for tests, and a client that asks it as its page does."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from simulator.explore.pace import Paced
from simulator.explore.page import Page
from simulator.explore.server import HOST, Server
from simulator.scenario.scenario import Scenario


@contextmanager
def served(scenario: Scenario, *begin: str) -> Iterator[Server]:
    """Serve the page of a scenario from a thread; all strategies work in this process."""
    with Server(Page(Paced(scenario), begin)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def request(
    server: Server,
    method: str,
    path: str,
    body: bytes | None = None,
    **headers: str | None,
) -> tuple[int, dict[str, str], bytes]:
    """Send a request as the page does, but for some headers, and return what comes back."""
    own = {"Host": f"{HOST}:{server.server_port}"}
    if body is not None:
        own |= {"Origin": f"http://{own['Host']}", "Content-Type": "application/json",
                "Content-Length": str(len(body))}  # fmt: skip
    own |= {key.replace("_", "-"): value for key, value in headers.items()}  # type: ignore[dict-item]
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for key, value in own.items():
            if value is not None:
                connection.putheader(key, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()
    finally:
        connection.close()


def ask(server: Server, what: str, **question: Any) -> tuple[int, Any]:
    """Ask a question, and return status and answer."""
    path = f"{urlsplit(server.address).path}{what}"
    status, _, body = request(server, "POST", path, json.dumps(question).encode())
    return status, json.loads(body)
