"""Any file: known by its bytes, bounded, refused if it is not known."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from tests.holding import refuse
from tests.pictures import DHT, DQT, EOI, SOI, chunk, make_frame, make_jpeg, make_png, make_scan
from tipline.cleaning import plan as plan_module
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import write_cleaned

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\xff\xd8",
        b"\x89PNG\r\n\x1a",
        b"\x89PNG\n\x1a\n" + make_png()[8:],
        b"GIF90a\0",
        b"RIFF\0\0\0\0AVI ",
        b"{\\rtf1 " + make_jpeg(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x05\x06",
        b" " + make_png(),
        bytes(1000),
    ],
)
def test_clean_when_the_bytes_are_of_no_known_format_then_it_is_refused(data: bytes) -> None:
    """Unknown is refused; so is what only contains a picture."""
    assert refuse(data) == Reason.UNKNOWN


def test_clean_when_there_is_nothing_then_it_is_refused() -> None:
    """No bytes are no file."""
    assert refuse(b"") == Reason.EMPTY


def test_clean_when_there_are_too_many_pieces_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What alternates between kept and dropped cannot fill the memory."""
    monkeypatch.setattr(plan_module, "MAX_PIECES", 6)
    frames = (chunk(b"fcTL", bytes(26)) + chunk(b"tEXt")) * 10

    assert refuse(make_png(frames)) == Reason.TOO_COMPLEX
    plan_cleaning(io.BytesIO(make_png(chunk(b"fcTL", bytes(26)) + chunk(b"tEXt"))))


@pytest.mark.parametrize(
    "picture", [make_jpeg(*[b"\xff\xfe\0\2"] * 9), make_png(chunk(b"tEXt") * 9)]
)
def test_clean_when_there_are_too_many_parts_then_it_is_refused(
    picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What consists of nothing but heads cannot take forever."""
    monkeypatch.setattr(plan_module, "MAX_PARTS", 9)

    assert refuse(picture) == Reason.TOO_COMPLEX


def test_write_when_the_source_was_cut_since_then_it_is_refused() -> None:
    """A file that changes while it is cleaned gives no half file."""
    source = io.BytesIO(make_jpeg())
    plan = plan_cleaning(source)
    source.truncate(40)

    with pytest.raises(RefusedError):
        write_cleaned(plan, source, io.BytesIO())


def test_plan_when_the_source_is_cut_meanwhile_then_it_is_refused() -> None:
    """What ends before it said it would is truncated."""

    class Cut(io.BytesIO):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            return super().seek(offset, whence) + (1000 if whence == io.SEEK_END else 0)

    with pytest.raises(RefusedError) as caught:
        plan_cleaning(Cut(make_png()[:-2]))
    assert caught.value.reason == Reason.TRUNCATED


# A picture of 1 GiB that lies on no disk: a hole between its first and its last bytes.
_LARGE = """
import io, resource, sys, time
from tipline.cleaning.clean import plan_cleaning
with open(sys.argv[1], "rb") as file:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plan_cleaning(file)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("format_name", ["jpeg", "png"])
def test_clean_when_the_file_has_a_gigabyte_then_memory_does_not_grow_with_it(
    format_name: str, tmp_path: Path
) -> None:
    """Bounded memory: less than 4 MiB for a gigabyte."""
    length = 1024**3
    if format_name == "jpeg":
        head, tail = SOI + DQT + make_frame() + DHT + make_scan(), EOI
    else:
        picture = make_png(pixels=b"")
        head = picture[:-12] + (length - len(picture) - 12).to_bytes(4, "big") + b"IDAT"
        tail = bytes(4) + picture[-12:]
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(head)
        file.seek(length - len(tail))
        file.write(tail)

    grown = subprocess.check_output([sys.executable, "-c", _LARGE, path], cwd=ROOT, text=True)

    assert int(grown) < 4 * 1024  # in KiB
