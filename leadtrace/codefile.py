"""The user's own vendor codes: one line of data each, in force without a restart."""

from pathlib import Path

from leadtrace.watched import Watched
from model.causes import CodeProblems, VendorCodes, built_in_codes, collected_codes, read_codes


class CodeFile(Watched[VendorCodes]):
    """Calling it gives the codes in force: the file's, then those that come with leadtrace."""

    def __init__(self, path: Path | None) -> None:
        super().__init__("codes", lambda: [path] if path else [], lambda: codes_of(path))


def codes_of(path: Path | None) -> VendorCodes:
    """Raises CodeProblems for a file that cannot be used."""
    if path is None:
        return built_in_codes()
    try:
        own = read_codes(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CodeProblems(f"{path}: the file of vendor codes cannot be read: {error}") from error
    return VendorCodes([*own, *collected_codes()])
