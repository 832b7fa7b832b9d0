"""The lists of a HEIC or an AVIF, written anew: only what is named here is in them."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator, Sequence

from tipline.cleaning.boxes import format_box
from tipline.cleaning.heifitems import Lists
from tipline.cleaning.plan import Piece

# By place: a name and a content, None for what goes.
Properties = Sequence[tuple[bytes, bytes] | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    An item that is kept.

    Args:
        number: As it was.
        uses: The properties that stay, and whether a reader must know them.
        pieces: Its data.
    """

    number: int
    uses: tuple[tuple[int, bool], ...]
    pieces: tuple[Piece, ...]


class Writer:
    """
    Writes the lists of what is kept; items are numbered from 1.

    Args:
        lists: As they were.
        kept: The items, in their new order.
        properties: As they are kept, by their old places.
    """

    def __init__(self, lists: Lists, kept: list[Kept], properties: Properties) -> None:
        self._lists = lists
        self._kept = kept
        self._numbers = {one.number: number + 1 for number, one in enumerate(kept)}
        used = sorted({place for one in kept for place, _ in one.uses})
        self._places = {place: number + 1 for number, place in enumerate(used)}
        self._properties = [one for place in used if (one := properties[place]) is not None]

    def format(self, base: int, lengths: list[int]) -> bytes:
        """
        Write `meta`.

        Args:
            base: Where the first item lies.
            lengths: Of each item's data.

        Returns:
            The box.
        """
        return format_box(
            b"meta",
            bytes(4),
            format_box(b"hdlr", bytes(8), b"pict", bytes(13)),
            format_box(b"pitm", bytes(4), _short(self._numbers[self._lists.primary])),
            self._format_places(base, lengths),
            format_box(b"iinf", bytes(4), _short(len(self._kept)), *self._format_items()),
            self._format_links(),
            format_box(
                b"iprp",
                format_box(b"ipco", *(format_box(*one) for one in self._properties)),
                self._format_uses(),
            ),
        )

    def _format_places(self, base: int, lengths: list[int]) -> bytes:
        rows = []
        for one, length in zip(self._kept, lengths, strict=True):
            rows.append(struct.pack(">HHHII", self._numbers[one.number], 0, 1, base, length))
            base += length
        return format_box(b"iloc", b"\0\0\0\0\x44\0", _short(len(rows)), *rows)

    def _format_items(self) -> Iterator[bytes]:
        for one in self._kept:
            item = self._lists.items[one.number]
            head = b"\2\0\0" + bytes([item.is_hidden])
            number = _short(self._numbers[one.number])
            yield format_box(b"infe", head, number, bytes(2), item.kind, b"\0")

    def _format_links(self) -> bytes:
        rows = []
        for link in self._lists.links:
            targets = [self._numbers[one] for one in link.targets if one in self._numbers]
            if link.kind in (b"dimg", b"auxl") and link.source in self._numbers and targets:
                numbers = [self._numbers[link.source], len(targets), *targets]
                rows.append(format_box(link.kind, *map(_short, numbers)))
        return format_box(b"iref", bytes(4), *rows) if rows else b""

    def _format_uses(self) -> bytes:
        is_wide = len(self._properties) > 127
        essential, width = (1 << 15, 2) if is_wide else (1 << 7, 1)
        rows = []
        for one in self._kept:
            rows.append(_short(self._numbers[one.number]) + bytes([len(one.uses)]))
            for place, is_essential in one.uses:
                number = self._places[place] | (essential if is_essential else 0)
                rows.append(number.to_bytes(width, "big"))
        return format_box(
            b"ipma", bytes([0, 0, 0, is_wide]), len(self._kept).to_bytes(4, "big"), *rows
        )


def _short(number: int) -> bytes:
    return number.to_bytes(2, "big")
