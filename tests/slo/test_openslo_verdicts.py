"""`slo check --strict` gives the verdict of the official SDK (sdk-verdicts.txt) on every file that is here."""

import re
from pathlib import Path

import pytest

from slo.openslo.objects import Source
from slo.openslo.read import read_openslo

pytestmark = pytest.mark.shared
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "openslo"

#: Where the files of the projects stand here.
FOLDERS = {
    "OpenSLO+OpenSLO/examples/": "spec-examples/",
    "OpenSLO+go-sdk/pkg/openslo/v1/examples/": "v1-examples/",
    "OpenSLO+go-sdk/pkg/openslosdk/test_data/": "sdk-fixtures/",
    "OpenSLO+oslo/test/inputs/validate/": "oslo-validate-inputs/",
}
#: Verdicts on files that ../shared/cases does not hold.
NOT_HERE = re.compile(
    r"OpenSLO\+go-sdk/pkg/openslo/v(1|2)alpha/|OpenSLO\+oslo/test/inputs/fmt/|nobl9\+nobl9-openslo/|slok\+sloth/"
)


def verdicts() -> dict[str, tuple[str, set[tuple[int, str]]]]:
    """By file: the SDK's word, and the (object, property) pairs it refuses."""
    found: dict[str, tuple[str, set[tuple[int, str]]]] = {}
    file, index = "", 0
    for line in (CASES / "sdk-verdicts.txt").read_text().splitlines() if CASES.is_dir() else ():
        if match := re.match(r"(OK|INVALID|DECODE-ERR) ([^ :]+)", line):
            file, index = match[2], 0
            found[file] = (match[1], set())
        elif match := re.match(r"Validation for \S+ '.*' at index (\d+) has failed", line):
            index = int(match[1])
        elif match := re.match(r"  - '(.+?)'", line):
            found[file][1].add((index, match[1]))
    return found


VERDICTS = verdicts()


def here(listed: str) -> Path | None:
    for theirs, ours in FOLDERS.items():
        if listed.startswith(theirs):
            return CASES / ours / listed.removeprefix(theirs)
    return None


HERE = {listed: path for listed in VERDICTS if (path := here(listed)) is not None}


def test_every_verdict_is_of_a_file_that_is_here_or_known_to_be_elsewhere(shared_cases):
    assert len(VERDICTS) == 73
    assert all(path.exists() for path in HERE.values())
    assert all(NOT_HERE.match(listed) for listed in VERDICTS.keys() - HERE.keys())


@pytest.mark.parametrize("listed", sorted(HERE))
def test_strict_gives_the_sdks_verdict_and_names_the_same_properties(listed):
    path = HERE[listed]
    word, properties = VERDICTS[listed]
    errors = read_openslo([Source(path.name, path.read_text())], strict=True).errors
    assert bool(errors) == (word != "OK"), "\n".join(map(str, errors))
    if word == "INVALID":
        assert {(one.index, one.path) for one in errors} == properties


@pytest.mark.parametrize("listed", sorted(HERE))
def test_without_strict_only_what_cannot_be_used_is_refused(listed):
    """Odd names, operators beside ratios, missing windows and unknown fields are mended; other versions are not."""
    reading = read_openslo([Source("file.yaml", HERE[listed].read_text())])
    refused = {"oslo-validate-inputs/invalid-apiversion.yaml"}
    assert bool(reading.errors) == (str(HERE[listed].relative_to(CASES)) in refused), "\n".join(
        map(str, reading.errors)
    )
    assert reading.objectives == ()
    assert all(outcome.why_none for outcome in reading.outcomes)


def test_the_case_with_annotations_is_valid_as_it_says(shared_cases):
    text = (shared_cases / "openslo" / "example-with-annotations.yaml").read_text()
    reading = read_openslo([Source("example.yaml", text)], strict=True)
    assert reading.errors == ()
    assert reading.outcomes[0].why_none == "its metric comes from clickhouse, and leadtrace counts only its own"
