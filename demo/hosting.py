"""Serve many apps from one event loop, each on its own free loopback port."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

HOST = "127.0.0.1"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # all is plain HTTP here; loading certificates takes 25 ms a client
START_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 60  # longer than clients keep idle connections (httpx: 5 s), or one ends as it is used again


class _QuietServer(uvicorn.Server):
    """A server that leaves the process's signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Host:
    """Ports are taken before any app exists, so that apps can be built knowing every URL."""

    def __init__(self, names: list[str]) -> None:
        self._sockets = {name: _listen() for name in names}
        self._servers: list[tuple[_QuietServer, asyncio.Task[None]]] = []
        self.urls = {name: f"http://{HOST}:{sock.getsockname()[1]}" for name, sock in self._sockets.items()}

    async def serve(self, name: str, app: FastAPI) -> None:
        """Return when the app answers on its port."""
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        server = _QuietServer(config)
        task = asyncio.create_task(server.serve(sockets=[self._sockets[name]]))
        self._servers.append((server, task))
        async with asyncio.timeout(START_TIMEOUT_S):
            while not server.started:  # noqa: ASYNC110  (uvicorn offers a flag, no event)
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        for server, _ in self._servers:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._servers))
        for sock in self._sockets.values():
            sock.close()


def _listen() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, 0))
    return sock
