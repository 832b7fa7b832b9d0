"""EMF: what draws stays, what tells goes."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from tests.holding import clean
from tests.metafiles import (
    LINE_TO,
    PLUS_HEAD,
    PLUS_RECTANGLE,
    TELLING,
    make_comment,
    make_emf,
    make_plus,
    make_record,
)
from tests.vectors.cleaning_drawings import list_drawings, make_font, make_text
from tipline.cleaning import emf as emf_module
from tipline.cleaning.emf import clean_emf, is_emf
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind


def refuse(drawing: bytes) -> Reason:
    """Give the reason for which a drawing is refused."""
    with pytest.raises(RefusedError) as caught:
        clean_emf(drawing)
    return caught.value.reason


def test_emf_when_it_is_cleaned_then_its_head_says_what_is_there() -> None:
    """Length, records and objects are true, and nothing optional is left."""
    drawing = make_emf(make_comment(TELLING), LINE_TO, make_font(), description="by Ana")
    cleaned, kinds = clean_emf(drawing)

    assert kinds == {Kind.SOFTWARE, Kind.TEXT}
    assert struct.unpack_from("<2I", cleaned) == (1, 88)
    assert struct.unpack_from("<2I2H3I", cleaned, 48) == (len(cleaned), 4, 3, 0, 0, 0, 0)
    assert cleaned[72:88] == struct.pack("<4i", 1920, 1080, 508, 286)
    assert is_emf(cleaned)


def test_emf_when_it_is_cleaned_again_then_it_is_the_same() -> None:
    """What is written is clean."""
    cleaned, _ = clean_emf(make_emf(LINE_TO, make_font(), make_text("abc"), behind=TELLING))

    assert clean_emf(cleaned) == (cleaned, set())


def test_emf_when_letters_are_drawn_then_they_stay() -> None:
    """They are what a reader sees."""
    cleaned, _ = clean_emf(make_emf(make_text("seen")))

    assert "seen".encode("utf-16-le") in cleaned


@pytest.mark.parametrize(
    ("drawing", "reason"),
    [
        (make_emf(make_record(102, TELLING)), Reason.UNSUPPORTED),
        (make_emf(make_plus((PLUS_HEAD, 0), (PLUS_RECTANGLE, 0))), Reason.UNSUPPORTED),
        (make_emf(make_record(54, bytes(12))), Reason.MALFORMED),
        (make_emf(struct.pack("<2I", 99, 4)), Reason.MALFORMED),
        (make_emf(LINE_TO, end=False), Reason.TRUNCATED),
        (make_emf(LINE_TO)[:-4], Reason.TRUNCATED),
        (make_emf()[:80], Reason.TRUNCATED),
    ],
)
def test_emf_when_it_breaks_a_rule_then_it_is_refused(drawing: bytes, reason: Reason) -> None:
    """Records that may draw are not left out, lengths do not lie."""
    assert refuse(drawing) == reason


def test_emf_when_it_has_more_records_than_the_bound_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound is of all records."""
    monkeypatch.setattr(emf_module, "MAX_RECORDS", 3)

    assert clean_emf(make_emf(LINE_TO, LINE_TO))
    assert refuse(make_emf(LINE_TO, LINE_TO, LINE_TO)) == Reason.TOO_COMPLEX


def _list_cleaned() -> list[tuple[str, bytes]]:
    """List what the members hold of all drawings that are cleaned."""
    cleaned = []
    for name, _, parts in list_drawings():
        try:
            content, _ = clean(b"".join(part for part in parts if isinstance(part, bytes)))
        except RefusedError:
            continue
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            cleaned.append((name, b"".join(map(archive.read, archive.namelist()))))
    return cleaned


def test_drawings_when_they_are_cleaned_then_what_was_hidden_is_nowhere() -> None:
    """Behind fields, between bitmaps, in comments and escapes: the same words, in all cases."""
    cleaned = _list_cleaned()

    # Where it stands as colours or as a number, it is what is drawn.
    drawn = {"dib-all-colours", "dib-masks-16", "dib-masks-newer", "wmf-palette", "emf-palette"}
    assert len(cleaned) > len(drawn) + 50
    for name, content in cleaned:
        assert name in drawn or b"Ana" not in content, name
