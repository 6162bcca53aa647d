"""What a form on a page sends: a bounded body, and fields with bounds. A mistake is a sentence for who filled it in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_BODY_BYTES = 16 * 1024
MAX_FIELDS = 40
MAX_AUTHOR = 100
MAX_TEXT = 500
_MATCH = "match."


class Form:
    """The fields of a form; every value is stripped, and a field that was left out is ''."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def text(self, name: str, label: str, *, most: int = MAX_TEXT, required: bool = True) -> str:
        """One field. Raises HTTPException for one that is missing or too long."""
        said = self._fields.get(name, "").strip()
        if required and not said:
            raise HTTPException(400, f"“{label}” is empty. Go back and fill it in.")
        if len(said) > most:
            raise HTTPException(400, f"“{label}” has more than {most} letters. Go back and shorten it.")
        return said

    def author(self) -> str:
        return self.text("author", "Your name", most=MAX_AUTHOR)

    def moment(self, name: str, label: str) -> datetime:
        """A date and time without a zone, which is UTC as the page says."""
        said = self.text(name, label, most=40)
        try:
            moment = datetime.fromisoformat(said)
        except ValueError as error:
            raise HTTPException(400, f"“{label}” is not a date and time. Write it as 2026-11-24T09:00.") from error
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def matcher(self) -> dict[str, str]:
        """What a silence matches: the fields that were filled in."""
        names = [name for name in self._fields if name.startswith(_MATCH)]
        said = {name.removeprefix(_MATCH): self.text(name, name, required=False) for name in names}
        return {key: value for key, value in said.items() if value}


async def form(request: Request) -> Form:
    """A dependency: the form that was sent. Raises HTTPException for one that is no form, or too large."""
    taken = bytearray()
    async for piece in request.stream():
        taken += piece
        if len(taken) > MAX_BODY_BYTES:
            raise HTTPException(413, "This form is larger than any that leadtrace has.")
    try:
        fields = parse_qs(taken.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise HTTPException(400, "This is not a form of leadtrace.") from error
    return Form({name: values[0] for name, values in fields.items()})
