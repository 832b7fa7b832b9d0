"""Many small changes: few pieces, bounded copies."""

from __future__ import annotations

import io

import pytest

from tipline.cleaning import patchwork
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.patchwork import LEAST_RANGE_BYTES, Patchwork
from tipline.cleaning.plan import Format, PlanBuilder, Range
from tipline.cleaning.source import Source

DATA = bytes(range(256)) * 256


def make() -> tuple[Patchwork, PlanBuilder]:
    """Make a patchwork over 64 KiB."""
    source = Source(io.BytesIO(DATA))
    builder = PlanBuilder(format=Format.OGG, source=source)
    return Patchwork(builder=builder, source=source), builder


def test_patchwork_when_a_range_is_long_then_it_is_one() -> None:
    """What is long is not copied."""
    work, builder = make()

    work.write(b"new")
    work.keep(10, LEAST_RANGE_BYTES)
    work.write(b"er")
    work.write(b"!")
    work.finish()

    assert builder.build().pieces == (
        b"new",
        Range(offset=10, length_bytes=LEAST_RANGE_BYTES),
        b"er!",
    )


def test_patchwork_when_ranges_are_short_then_they_share_a_piece_with_what_is_written() -> None:
    """What is short is copied."""
    work, builder = make()

    work.keep(1, LEAST_RANGE_BYTES - 1)
    work.write(b"new")
    work.keep(5, 2)
    work.keep(9, 3)
    work.finish()

    (piece,) = builder.build().pieces
    assert piece == DATA[1:LEAST_RANGE_BYTES] + b"new" + DATA[5:7] + DATA[9:12]


def test_patchwork_when_ranges_touch_then_they_are_one() -> None:
    """Frame by frame, and yet one piece."""
    work, builder = make()

    for number in range(100):
        work.keep(50 * number, 50)
    work.finish()

    assert builder.build().pieces == (Range(offset=0, length_bytes=5000),)


def test_patchwork_when_much_is_written_then_pieces_have_a_size() -> None:
    """No piece grows without end."""
    work, builder = make()

    for _ in range(9):
        work.write(bytes(patchwork.PIECE_BYTES // 2))
    work.finish()

    lengths = [len(piece) for piece in builder.build().pieces if isinstance(piece, bytes)]
    assert lengths == [patchwork.PIECE_BYTES] * 4 + [patchwork.PIECE_BYTES // 2]


def test_patchwork_when_more_is_copied_than_fits_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Written or kept: both take memory."""
    monkeypatch.setattr(patchwork, "MAX_COPIED_BYTES", 9)
    work, _ = make()

    work.write(b"12345")
    work.keep(0, 4)
    work.keep(100, 1)
    with pytest.raises(RefusedError) as caught:
        work.finish()
    assert caught.value.reason == Reason.TOO_COMPLEX
