"""How log lines are written: events with keys, to standard error, for people or for machines."""

import logging
import sys
from typing import Literal

import structlog


def log_beside_the_answer() -> None:
    """For commands that answer on standard output: what is logged meanwhile must not stand in the answer."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())  # its failures come up as exceptions


def set_up_logs(style: Literal["console", "json"]) -> None:
    """Lines of our own and of the libraries take the same form. Nothing is logged once a hop."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,  # plain: a prettier one shows local variables, so tokens and people
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("clickhouse_connect", "uvicorn", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
