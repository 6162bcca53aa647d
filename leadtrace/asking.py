"""Asks why, wherever the answer is: in a running server, or in the store itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadtrace.codefile import CodeFile
from leadtrace.flowfiles import FlowFiles
from leadtrace.remote import RemoteError, running_server
from leadtrace.settings import Settings
from lineage.ask import Library, NotFoundError, why
from model.personal import Kind, PersonalKey, load_or_create_key
from store.engine import Store


class NoAnswerError(LookupError):
    """There is no answer; the message says why not."""


def ask_why(settings: Settings, lead: str, flow: str | None, entry: str | None) -> Any:
    """The answer as the API gives it. Raises NoAnswerError."""
    if settings.store_url.startswith("chdb:"):
        server = running_server(settings)
        if server is not None:
            try:
                return server.why(lead, flow, entry)
            except (RemoteError, OSError) as error:
                raise NoAnswerError(str(error)) from error
    return _from_store(settings, lead, flow, entry)


def _from_store(settings: Settings, lead: str, flow: str | None, entry: str | None) -> Any:
    folder = Path(urlsplit(settings.store_url).path)
    if settings.store_url.startswith("chdb:") and not folder.exists():
        raise NoAnswerError(
            f"Nothing was collected yet in {settings.data}: run `leadtrace serve`, or set LEADTRACE_DATA to its folder."
        )
    personal = load_or_create_key(settings.pii_key_path)
    store = Store(settings.store_url)
    try:
        if lacking := store.unmigrated():
            raise NoAnswerError(
                f"The schema lacks {', '.join(lacking)}: run `leadtrace migrate`, then `leadtrace serve`."
            )
        library = Library(
            store,
            FlowFiles(settings.flows),
            lambda text: search_tokens(personal, text),
            CodeFile(settings.vendor_codes),
        )
        answer = why(library, lead, flow=flow, entry=entry, now=datetime.now(UTC))
    except NotFoundError as error:
        raise NoAnswerError(str(error)) from error
    finally:
        store.close()
    return json.loads(answer.model_dump_json(by_alias=True))


def search_tokens(personal: PersonalKey, text: str) -> list[str]:
    """What a person's search text may be stored as: an e-mail address or a phone number is stored as its token."""
    wanted = text.strip()
    if "@" in wanted:
        return [personal.token(Kind.EMAIL, wanted)]
    digits = sum(one.isdigit() for one in wanted)
    if digits >= 6 and digits >= len(wanted) - wanted.count(" ") - 4 and not wanted[:1].isalpha():
        return [personal.token(Kind.PHONE, wanted)]
    return []
