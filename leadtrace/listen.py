"""Servers that share one event loop and one pair of signal handlers, on sockets bound before anything else starts."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from leadtrace.settings import Address


class CannotListenError(RuntimeError):
    """An address is taken or not ours; the message names the setting and the mend."""

    def __init__(self, address: Address, setting: str, reason: str) -> None:
        super().__init__(
            f"{setting} {address} cannot be listened on ({reason}). Something else uses it, or it is not an address of"
            f" this machine; stop that, or set {setting} to another, such as 127.0.0.1:0 for any free port."
        )


def bind(address: Address, setting: str) -> socket.socket:
    """A listening socket. Port 0 takes any free port."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(tuple(address))
    except OSError as error:
        listener.close()
        raise CannotListenError(address, setting, str(error.strerror)) from error
    listener.listen(1024)
    return listener


def bound(listener: socket.socket) -> Address:
    host, port = listener.getsockname()[:2]
    return Address(host, port)


class QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever runs several of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: ASGIApp, *, header: bool = False) -> QuietServer:
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=header,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=64 * 1024,
    )
    return QuietServer(config)
