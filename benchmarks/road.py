"""A collector in a process of its own: door, spool, loader, and one of two decoders behind them.

`python -m benchmarks.road DECODER FOLDER SEGMENT_MIB` serves OTLP/HTTP and prints its port. Then it answers one line
each: `rows` with the rows of the timeline, `settle` with the bytes on disk once merges are done, `quit` by going.
"""

import asyncio
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn

from benchmarks import plain_decoder
from collector.limits import MIB, SpoolLimits
from collector.serve import Collector
from model.personal import PersonalKey
from store.engine import Store


def main() -> None:
    decoder, folder, segment_mib = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    store = Store(f"chdb://{folder / 'engine'}")
    if decoder == "plain":
        plain_decoder.create(store)
    else:
        store.migrate()
    collector = Collector(
        spool_dir=folder / "spool",
        quarantine_dir=folder / "quarantine",
        personal=PersonalKey(b"a key for measuring, 32 bytes and more"),
        land=store.land if decoder == "engine" else lambda *landed: plain_decoder.land(store, *landed),
        authorize=lambda _header: True,
        spool_limits=SpoolLimits(segment_bytes=segment_mib * MIB),
    )
    collector.start()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(collector.asgi_app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    print(f"port {listener.getsockname()[1]}", flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        print(_rows(store) if line.strip() == "rows" else _settled_bytes(store), flush=True)
    server.should_exit = True
    thread.join(5)
    collector.stop()
    store.close()


def _rows(store: Store) -> int:
    return int(store.command("SELECT count() FROM timeline"))


def _settled_bytes(store: Store) -> int:
    """Every table merged to one part, as time would do; then what stands on disk."""
    for table in plain_decoder.COLUMNS:
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    while int(store.command("SELECT count() FROM system.merges")):
        time.sleep(0.1)
    tables = tuple(plain_decoder.COLUMNS)
    return int(store.command(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table IN {tables!r}"))


if __name__ == "__main__":
    main()
