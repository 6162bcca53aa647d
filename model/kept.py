"""A property that is worked out once."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class kept(Generic[Value]):  # noqa: N801  a decorator, like property
    """As functools.cached_property, without its lock: the judge asks 30 times a hop, and two threads that work out the
    same value do no harm.
    """

    def __init__(self, worked_out: Callable[[Any], Value]) -> None:
        self._worked_out = worked_out
        self.__doc__ = worked_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, holder: Any, owner: type | None = None) -> Value:
        value = holder.__dict__[self._name] = self._worked_out(holder)
        return value
