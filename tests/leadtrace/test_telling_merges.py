from test_telling import ENTERED

from leadtrace.telling import told

MERGE = {"lead": "L-9", "into": "L-1042", "at": "2026-05-01T10:00:05Z", "until": None}


def test_merges_are_told_with_their_moments():
    assert told({**ENTERED, "merges": [MERGE]}).endswith("  merged     L-9 into L-1042 at 2026-05-01T10:00:05Z")


def test_a_merge_that_was_taken_back_says_until_when():
    over = {**MERGE, "until": "2026-05-01T10:09:00Z"}
    assert told({**ENTERED, "merges": [over]}).endswith(" at 2026-05-01T10:00:05Z, until 2026-05-01T10:09:00Z")
