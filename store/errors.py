"""What can go wrong between leadtrace and ClickHouse.

StoreError
├── StoreUnavailable   trying again may help: the engine is away, busy, or out of memory or disk
└── InsertRefused      trying again never helps: these bytes, this schema
"""

from typing import ClassVar


class StoreError(Exception):
    """The store could not do what it was asked. `retryable` says whether asking again can help."""

    retryable: ClassVar[bool] = False


class StoreUnavailable(StoreError):  # noqa: N818  the name states the condition, as HTTP's does
    retryable = True


class InsertRefused(StoreError):  # noqa: N818
    retryable = False
