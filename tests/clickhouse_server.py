"""Speaks ClickHouse's HTTP interface on loopback with a real engine behind it: chDB in a process of its own.

No ClickHouse server can be installed where these tests run, so this stands in for its network side only: statements,
bound parameters, settings and bodies arrive as clickhouse-connect sends them and are run by the same engine.

    python tests/clickhouse_server.py FOLDER PORT
"""

import email
import gzip
import os
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import chdb
import lz4.frame
import zstandard

_INFLATE = {"": bytes, "gzip": gzip.decompress, "lz4": lz4.frame.decompress, "zstd": zstandard.decompress}
_HANDLES = threading.local()
_NOT_SETTINGS = {"query", "database", "default_format", "session_id", "query_id", "compress", "user", "password",
                 "client_protocol_version", "send_progress_in_http_headers", "wait_end_of_query",
                 "http_headers_progress_interval_ms", "enable_http_compression", "cancel_http_readonly_queries_on_client_close"}  # fmt: skip
_INSERT = re.compile(rb"\s*INSERT\s+INTO\s+(.+?)\s+FORMAT\s+(\w+)[ \t]*\n?", re.IGNORECASE | re.DOTALL)
_MAX_FIELD_BYTES = 128 * 1024  # http_max_field_value_size
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


def connection():
    if not hasattr(_HANDLES, "made"):
        _HANDLES.made = chdb.connect(sys.argv[1])
    return _HANDLES.made


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):
        """Nothing: the engine's own messages are enough."""

    def do_GET(self):
        self._answer(b"")

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        encoding = self.headers.get("Content-Encoding", "")
        self._answer(_INFLATE[encoding](body))

    def _chunks(self):
        parts = []
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, body):
        asked = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}
        if urlsplit(self.path).path == "/ping":
            self._send(200, b"Ok.\n")
            return
        form = self.headers.get("Content-Type", "")
        if form.startswith("multipart/form-data"):
            asked, body = asked | _fields(form, body), b""
        statement = b"\n".join(part for part in (asked.get("query", "").encode(), body) if part)
        try:
            self._send(200, self._run(asked, statement), asked.get("default_format"))
        except RuntimeError as error:
            text = str(error)
            code = re.search(r"Code: (\d+)", text)
            self._send(500, text.encode(), code=code[1] if code else "1002")

    def _run(self, asked, statement):
        if any(len(value.encode()) > _MAX_FIELD_BYTES for value in asked.values()):
            raise RuntimeError("Code: 1000. DB::Exception: HTML Form Exception: Field value too long")
        engine = connection()
        engine.query(f"USE `{asked.get('database') or 'default'}`")
        parameters = {key.removeprefix("param_"): value for key, value in asked.items() if key.startswith("param_")}
        settings = {
            key: value for key, value in asked.items() if key not in _NOT_SETTINGS and not key.startswith("param_")
        }
        quoted = ", ".join(f"{key} = '{_escaped(value)}'" for key, value in settings.items())
        insert = _INSERT.match(statement)
        if insert and b"SELECT" not in insert[1].upper():
            return self._insert(engine, insert, statement[insert.end() :], quoted)
        text = statement.decode()
        named = _FORMAT.search(text)
        for key, value in settings.items():
            engine.query(f"SET {key} = '{_escaped(value)}'")
        return engine.query(
            text, named[1] if named else asked.get("default_format") or "TabSeparated", params=parameters
        ).bytes()

    def _insert(self, engine, insert, rows, settings):
        with tempfile.NamedTemporaryFile(suffix=".raw") as file:
            file.write(rows)
            file.flush()
            into, fmt = insert[1].decode(), insert[2].decode()
            clause = f" SETTINGS {settings}" if settings else ""
            return engine.query(
                f"INSERT INTO {into} FROM INFILE '{file.name}'{clause} FORMAT {fmt}", "TabSeparated"
            ).bytes()

    def _send(self, status, body, fmt=None, code=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/octet-stream")
        if fmt and body:
            self.send_header("X-ClickHouse-Format", fmt)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.end_headers()
        self.wfile.write(body)


def _fields(content_type, body):
    form = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True).decode()
        for part in form.get_payload()
    }


def _escaped(value):
    return value.replace("\\", "\\\\").replace("'", "\\'")


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    connection()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
