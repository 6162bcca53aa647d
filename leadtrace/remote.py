"""Asks a running server, where the embedded engine is its own and nobody else may open it."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from leadtrace.settings import Settings
from leadtrace.tokens import Signer, local_bearer, session_key

TIMEOUT_S = 60.0
SERVER_FILE = "server.json"


class RemoteError(RuntimeError):
    """The server answered with a problem; the message is its sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server of the same data folder on this machine."""

    address: str
    settings: Settings

    def get(self, path: str, **query: str | None) -> Any:
        """The JSON at an API path. Raises RemoteError for a problem, OSError when nobody answers."""
        return self._ask("GET", path, query)

    def post(self, path: str, body: str = "", *, timeout_s: float = TIMEOUT_S, **query: str | None) -> Any:
        """The JSON that answers something sent. Raises as `get` does."""
        return self._ask("POST", path, query, body.encode(), timeout_s)

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None],
        body: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        given = {key: value for key, value in query.items() if value is not None}
        asked = path + (f"?{urlencode(given)}" if given else "")
        where = urlsplit(self.address)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=timeout_s)
        try:
            bearer = local_bearer(Signer(session_key(self.settings.session_key_path)))
            connection.request(method, asked, body, {"Authorization": bearer})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        said = json.loads(content) if "json" in (answer.getheader("Content-Type") or "") else {}
        if answer.status >= 400:
            raise RemoteError(answer.status, said.get("detail") or f"the server answered {answer.status}")
        return said

    def listens(self) -> bool:
        where = urlsplit(self.address)
        try:
            socket.create_connection((where.hostname or "", where.port or 80), timeout=5).close()
        except OSError:
            return False
        return True

    def why(self, lead: str, flow: str | None, entry: str | None) -> Any:
        return self.get(f"/api/v1/leads/{quote(lead, safe='')}/why", flow=flow, entry=entry)


def running_server(settings: Settings) -> RunningServer | None:
    """The server that runs on this data folder, if one does.

    A killed server leaves its note behind, and its number may be another process's by now: somebody must listen, too.
    """
    try:
        note = json.loads((settings.data / SERVER_FILE).read_text())
        os.kill(note["pid"], 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    server = RunningServer(note["web"], settings)
    return server if server.listens() else None
