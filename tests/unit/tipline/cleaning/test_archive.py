"""Archives: what they say of themselves is held before it is believed."""

from __future__ import annotations

import io
import zlib

import pytest

from tests.documents import FIRST_DAY, make_archive
from tipline.cleaning import archive as archive_module
from tipline.cleaning.archive import Archive, store_member, write_archive, write_member
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Kind, PlanBuilder, write_cleaned
from tipline.cleaning.source import Source

MEMBERS = {"a.txt": "a" * 1000, "b/c.txt": "c"}
WHOLE = make_archive(MEMBERS)
DEFLATED = make_archive(MEMBERS, is_deflated=True)
ENTRY = WHOLE.index(b"PK\1\2")


def read(data: bytes) -> dict[str, bytes]:
    """Read all members."""
    archive = Archive(Source(io.BytesIO(data)))
    return {name: archive.read(member) for name, member in archive.members.items()}


def refuse(data: bytes) -> Reason:
    """Hold that *data* is refused, and say why."""
    with pytest.raises(RefusedError) as caught:
        read(data)
    return caught.value.reason


def change(data: bytes, offset: int, new: bytes) -> bytes:
    """Write *new* over what is there."""
    return data[:offset] + new + data[offset + len(new) :]


@pytest.mark.parametrize("data", [WHOLE, DEFLATED])
def test_archive_when_it_is_whole_then_its_members_are_read(data: bytes) -> None:
    """Stored and deflated."""
    assert read(data) == {"a.txt": b"a" * 1000, "b/c.txt": b"c"}


def test_archive_when_it_is_written_anew_then_nothing_tells_when_or_by_what() -> None:
    """One time for everybody, whatever was said before."""
    source = Source(io.BytesIO(make_archive(MEMBERS, date=FIRST_DAY)))
    builder = PlanBuilder(format=Format.DOCX, source=source)
    out = io.BytesIO()

    write_archive(builder, [write_member("a.txt", b"a"), store_member("b.png", b"b")])
    write_cleaned(builder.build(), io.BytesIO(), out)

    assert read(out.getvalue()) == {"a.txt": b"a", "b.png": b"b"}
    assert Archive(Source(out)).kinds == set()


def test_archive_when_it_has_times_and_a_comment_then_they_are_found() -> None:
    """They tell, and go."""
    commented = WHOLE[:-2] + b"\3\0Ana"

    assert Archive(Source(io.BytesIO(commented))).kinds == {Kind.TIME, Kind.TEXT}


@pytest.mark.parametrize(
    ("offset", "new", "reason"),
    [
        (ENTRY, b"PK\1\3", Reason.MALFORMED),
        (ENTRY + 8, b"\1", Reason.ENCRYPTED),
        (ENTRY + 8, b"\x10", Reason.UNSUPPORTED),
        (ENTRY + 10, b"\x0e", Reason.UNSUPPORTED),
        (ENTRY + 16, b"\0\0\0\0", Reason.MALFORMED),
        (ENTRY + 20, b"\1\0\0\0", Reason.MALFORMED),
        (ENTRY + 20, b"\xff\xff\xff\xff", Reason.UNSUPPORTED),
        (ENTRY + 28, b"\xff\xff", Reason.MALFORMED),
        (ENTRY + 34, b"\1", Reason.MALFORMED),
        (ENTRY + 42, b"\1", Reason.MALFORMED),
        (ENTRY + 46, b"x", Reason.MALFORMED),
        (26, b"\1", Reason.MALFORMED),
        (len(WHOLE) - 18, b"\1", Reason.MALFORMED),
        (len(WHOLE) - 14, b"\1", Reason.MALFORMED),
        (len(WHOLE) - 12, b"\1", Reason.MALFORMED),
        (len(WHOLE) - 10, b"\xff\xff\xff\xff", Reason.UNSUPPORTED),
        (len(WHOLE) - 2, b"\1", Reason.MALFORMED),
    ],
)
def test_archive_when_it_contradicts_itself_then_it_is_refused(
    offset: int, new: bytes, reason: Reason
) -> None:
    """Heads and directory say the same, of all that there is."""
    assert refuse(change(WHOLE, offset, new)) == reason


def test_archive_when_its_end_is_missing_then_it_is_truncated() -> None:
    """The directory is what counts."""
    assert refuse(WHOLE[:-22]) == Reason.TRUNCATED
    assert refuse(WHOLE[:-1]) == Reason.MALFORMED


def test_archive_when_members_overlap_then_it_is_refused() -> None:
    """A quine or a bomb of one data for many members."""
    second = WHOLE.index(b"PK\1\2", ENTRY + 1)
    entry = WHOLE[ENTRY:second]
    twice = bytearray(WHOLE[:ENTRY] + entry + entry.replace(b"a.txt", b"a.txu") + WHOLE[-22:])
    twice[-10:-6] = (2 * len(entry)).to_bytes(4, "little")
    once = make_archive({"a.txt": "a" * 1000}).replace(b"a.txt", b"a.txt")

    assert refuse(bytes(twice)) == Reason.MALFORMED
    assert list(read(once)) == ["a.txt"]


def test_archive_when_a_stream_goes_on_behind_its_end_then_it_is_refused() -> None:
    """Nothing hides behind the compressed data."""
    stream = zlib.compress(b"a" * 1000, wbits=-15)
    hidden = make_archive({"a.txt": stream + b"hidden"})
    entry = hidden.index(b"PK\1\2")
    checksum, size = zlib.crc32(b"a" * 1000).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    for offset in (8, entry + 10):
        hidden = change(hidden, offset, b"\x08")
    for offset in (14, entry + 16):
        hidden = change(hidden, offset, checksum)
    for offset in (22, entry + 24):
        hidden = change(hidden, offset, size)
    whole = hidden.replace(b"hidden", b"")
    for offset in (18, whole.index(b"PK\1\2") + 20):
        whole = change(whole, offset, len(stream).to_bytes(4, "little"))
    whole = change(whole, len(whole) - 6, (entry - 6).to_bytes(4, "little"))

    assert read(whole) == {"a.txt": b"a" * 1000}
    assert refuse(hidden) == Reason.MALFORMED


def test_archive_when_members_are_larger_than_bounds_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of them together: a bomb is as small as its bound."""
    monkeypatch.setattr(archive_module, "MAX_INFLATED_BYTES", 1001)
    assert len(read(DEFLATED)) == 2

    monkeypatch.setattr(archive_module, "MAX_INFLATED_BYTES", 1000)
    assert refuse(DEFLATED) == Reason.TOO_COMPLEX


def test_archive_when_it_inflates_to_more_than_it_says_then_it_is_refused() -> None:
    """No more is inflated than the head says."""
    entry = DEFLATED.index(b"PK\1\2")
    lying = change(change(DEFLATED, 22, b"\1\0"), entry + 24, b"\1\0")

    assert refuse(lying) == Reason.MALFORMED


def test_archive_when_there_are_too_many_members_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their number is bounded."""
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 1)

    assert refuse(WHOLE) == Reason.TOO_COMPLEX


def test_archive_when_names_are_written_otherwise_then_they_are_the_same() -> None:
    """Some write names in an old code, or with the wrong stroke."""
    assert list(read(WHOLE.replace(b"b/c.txt", b"b\\c.txt"))) == ["a.txt", "b/c.txt"]
    assert list(read(WHOLE.replace(b"b/c.txt", b"b/\xe9.txt"))) == ["a.txt", "b/é.txt"]
    assert list(read(make_archive({"a/": "", "a/b": "b"}))) == ["a/b"]
