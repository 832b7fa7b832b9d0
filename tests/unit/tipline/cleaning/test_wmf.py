"""WMF: what draws stays, what tells goes."""

from __future__ import annotations

import struct

import pytest

from tests.metafiles import TELLING, make_wmf, make_word_record
from tipline.cleaning import wmf as wmf_module
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind
from tipline.cleaning.wmf import clean_wmf, is_wmf

LINE = make_word_record(0x0213, b"\1\0\2\0")


def refuse(drawing: bytes) -> Reason:
    """Give the reason for which a drawing is refused."""
    with pytest.raises(RefusedError) as caught:
        clean_wmf(drawing)
    return caught.value.reason


def test_wmf_when_it_is_cleaned_then_its_heads_say_what_is_there() -> None:
    """Length and longest record are true; of the place what is needed stays, with its sum."""
    escape = make_word_record(0x0626, b"\x0f\0\x10\0", TELLING)
    cleaned, kinds = clean_wmf(make_wmf(LINE, escape, is_placed=True))

    words = struct.unpack("<11H", cleaned[:22])
    total = 0
    for word in words[:10]:
        total ^= word
    assert kinds == {Kind.TEXT}
    assert words[2] == 0
    assert words[8:10] == (0, 0)
    assert words[10] == total
    assert struct.unpack_from("<3HIHIH", cleaned, 22) == (1, 9, 0x300, 17, 2, 5, 0)
    assert cleaned[40:] == LINE + b"\3\0\0\0\0\0"
    assert clean_wmf(cleaned) == (cleaned, set())


@pytest.mark.parametrize(
    ("drawing", "reason"),
    [
        (make_wmf(make_word_record(0x01F9, TELLING)), Reason.UNSUPPORTED),
        (make_wmf(make_word_record(0x0213, TELLING)), Reason.MALFORMED),
        (make_wmf(make_word_record(0x0324, b"\x63\0")), Reason.MALFORMED),
        (make_wmf(struct.pack("<IH", 2, 0x0213)), Reason.MALFORMED),
        (make_wmf(LINE)[:-6], Reason.TRUNCATED),
        (make_wmf(LINE)[:-8], Reason.TRUNCATED),
    ],
)
def test_wmf_when_it_breaks_a_rule_then_it_is_refused(drawing: bytes, reason: Reason) -> None:
    """Records that may draw are not left out, lengths do not lie."""
    assert refuse(drawing) == reason


def test_wmf_when_it_has_more_records_than_the_bound_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound is of all records."""
    monkeypatch.setattr(wmf_module, "MAX_RECORDS", 2)

    assert clean_wmf(make_wmf(LINE))
    assert refuse(make_wmf(LINE, LINE)) == Reason.TOO_COMPLEX


@pytest.mark.parametrize(
    ("start", "is_one"),
    [
        (make_wmf(), True),
        (make_wmf(is_placed=True), True),
        (make_wmf(is_placed=True)[:39], False),
        (b"\3" + make_wmf()[1:], False),
        (b"\1\0\x08" + make_wmf()[3:], False),
        (b"\1\0\x09\0\0\2" + make_wmf()[6:], False),
    ],
)
def test_wmf_when_it_is_looked_for_then_its_head_decides(start: bytes, *, is_one: bool) -> None:
    """The kind, the head's length and the version are those that there are."""
    assert is_wmf(start) is is_one
