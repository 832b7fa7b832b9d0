"""
HEIC and AVIF (ISO/IEC 23008-12, AV1 Image File Format): a picture as one item, or as a grid.

1. The cleaned file is written anew as `ftyp`, `meta`, `mdat`.
2. Kept is the picture that is shown: one coded by HEVC or AV1, or a grid of such; and what makes it
   transparent. All other items go: EXIF, XMP, previews, depth, light, second pictures.
3. Of what is said about an item stays what a decoder needs: the configuration, sizes, turns and
   cuts, the standards' colours. A profile becomes one of sRGB (`srgb.py`), or goes where there is
   no colour or the standards' numbers tell it. All else goes. What a reader must know and is not
   known here is refused.
4. Items are numbered anew, without names. Their data lie in `mdat`, one behind the other.
5. Of coded data goes what is no picture, as in films (`nals`, `obus`).
6. Refused are films in the same build, encrypted items, and pictures made of others in other ways.

*Limitations.* Coded pictures are not decoded. A turn stays as it is told; so does a cut, and with
it what was cut off.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.boxes import Box, format_box, list_named
from tipline.cleaning.codecs import READERS
from tipline.cleaning.descriptions import read_colours, take_exactly
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.exif import read_exif
from tipline.cleaning.heifitems import Lists, Place, read_lists
from tipline.cleaning.heifwriter import Kept, Properties, Writer
from tipline.cleaning.labels import find_xmp_kinds
from tipline.cleaning.movierules import MAX_LOOKED_AT_BYTES, find_movie_kinds
from tipline.cleaning.nals import filter_nals
from tipline.cleaning.obus import filter_units
from tipline.cleaning.plan import MAX_PARTS, Format, Kind, Piece, Plan, PlanBuilder, Range
from tipline.cleaning.source import Source
from tipline.cleaning.srgb import SRGB

MAX_META_BYTES: Final = 4 * 1024 * 1024  # a picture of 48 megapixels has ten thousand
MAX_ITEM_BYTES: Final = 64 * 1024 * 1024  # of one coded picture that is read at once (AV1)
MAX_USES: Final = 255  # of one item: they are counted in a byte
BRANDS: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"avif", b"msf1", b"hevc", b"hevx",
     b"avis", b"miaf")
)  # fmt: skip

_HEVC: Final = b"hvc1"
_AV1: Final = b"av01"
_CONFIGURATIONS: Final = {_HEVC: b"hvcC", _AV1: b"av1C"}
_GRID: Final = b"grid"
_GRID_BYTES: Final = {0: 8, 1: 12}
_ALPHA: Final = (
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
    b"urn:mpeg:hevc:2015:auxid:1\0",
)
_PROFILES: Final = (b"prof", b"rICC")
_OUR_PROFILE: Final = b"prof" + SRGB
_UNSPECIFIED: Final = b"\0\2"  # colours of which the standards' numbers say that others tell them
_FRONTS: Final = {
    (Format.HEIC, False): b"heic\0\0\0\0mif1heic",
    (Format.HEIC, True): b"heix\0\0\0\0mif1heix",
    (Format.AVIF, False): b"avif\0\0\0\0avifmif1miaf",
}
_FIXED: Final = {
    b"ispe": take_exactly(12),
    b"pasp": take_exactly(8),
    b"clap": take_exactly(32),
    b"irot": take_exactly(1),
    b"imir": take_exactly(1),
    b"clli": take_exactly(4),
    b"mdcv": take_exactly(24),
    b"a1op": take_exactly(1),
    b"colr": read_colours,
}
_EXIF_HEAD_BYTES: Final = 4
_MAX_FILE_BYTES: Final = 2**32 - 1


def is_heif(head: bytes) -> bool:
    """
    Tell a HEIC or an AVIF by its first bytes.

    Args:
        head: Untrusted.

    Returns:
        Whether its brand is one of pictures.
    """
    return head[4:8] == b"ftyp" and head[8:12] in BRANDS


def plan_heif(source: Source) -> Plan:
    """
    Plan the cleaning of a HEIC or an AVIF.

    Args:
        source: `is_heif`.

    Returns:
        The plan; its format says which of the two it is.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: set[Kind] = set()
        self._media: list[tuple[int, int]] = []
        self._is_deep = False
        self._data = b""
        self._inner: tuple[int, int] = (0, 0)

    def read(self) -> Plan:
        meta = self._read_top()
        if meta[1] - meta[0] > MAX_META_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._data = self._source.read(meta[0], meta[1] - meta[0])
        lists = read_lists(self._data)
        self._inner = _find_inner(self._data, meta[0])
        properties = [self._read_property(box) for box in lists.properties]
        numbers = self._choose(lists)
        self._look_at_others(lists, numbers)
        coloured = self._list_coloured(lists, properties)
        kept = [
            self._keep(lists, number, properties=properties, is_coloured=number in coloured)
            for number in lists.items
            if number in numbers
        ]
        return self._build(lists, kept, properties)

    def _read_top(self) -> tuple[int, int]:
        """Read the boxes that the file is made of; return where `meta` is."""
        at, count = 0, 0
        meta: tuple[int, int] | None = None
        while at < self._source.length_bytes:
            count += 1
            if count > MAX_PARTS:
                raise RefusedError(Reason.TOO_COMPLEX)
            head = self._source.read_up_to(at, 16)
            length, head_bytes = int.from_bytes(head[:4], "big"), 8
            if length == 0:
                length = self._source.length_bytes - at
            elif length == 1:
                length, head_bytes = int.from_bytes(head[8:16], "big"), 16
            start, end = at + head_bytes, at + length
            if start > end or end > self._source.length_bytes:
                if meta is None or not self._media or head[4:8] == b"mdat":
                    raise RefusedError(Reason.TRUNCATED)
                self._found.add(Kind.TRAILING)
                break
            self._read_box(head[4:8], start, end)
            if head[4:8] == b"meta":
                if meta is not None:
                    raise RefusedError(Reason.MALFORMED)
                meta = (start, end)
            at = end
        if meta is None:
            raise RefusedError(Reason.MALFORMED)
        return meta

    def _read_box(self, name: bytes, start: int, end: int) -> None:
        if name in (b"moov", b"moof"):
            raise RefusedError(Reason.UNSUPPORTED)
        if name == b"mdat":
            self._media.append((start, end))
        elif name == b"ftyp":
            self._is_deep = b"heix" in self._source.read(start, min(end - start, 64))
        elif name not in (b"meta", b"free", b"skip"):
            content = self._source.read(start, min(end - start, MAX_LOOKED_AT_BYTES))
            self._found.update(find_movie_kinds(name + content))

    # --- what is kept -----------------------------------------------------------------------------

    def _choose(self, lists: Lists) -> frozenset[int]:
        """Choose the picture that is shown, its tiles, and what makes it transparent."""
        chosen = set(self._list_with_tiles(lists, lists.primary))
        for link in lists.links:
            if link.kind == b"auxl" and lists.primary in link.targets:
                uses = lists.uses.get(link.source, ())
                if any(self._is_alpha(lists, place) for place, _ in uses):
                    chosen.update(self._list_with_tiles(lists, link.source))
        return frozenset(chosen)

    def _is_alpha(self, lists: Lists, place: int) -> bool:
        if place >= len(lists.properties):
            raise RefusedError(Reason.MALFORMED)
        box = lists.properties[place]
        return box.name == b"auxC" and self._data[box.start + 4 : box.end] in _ALPHA

    def _list_with_tiles(self, lists: Lists, number: int) -> Iterator[int]:
        item = lists.items.get(number)
        if item is None:
            raise RefusedError(Reason.MALFORMED)
        yield number
        if item.kind == _GRID:
            tiles = _find_tiles(lists, number)
            if any(tile not in lists.items for tile in tiles):
                raise RefusedError(Reason.MALFORMED)
            # A grid of grids could name itself.
            if any(lists.items[tile].kind not in _CONFIGURATIONS for tile in tiles):
                raise RefusedError(Reason.UNSUPPORTED)
            yield from tiles

    def _list_coloured(self, lists: Lists, properties: Properties) -> frozenset[int]:
        """List the picture that is shown and its tiles, if they have colours."""
        numbers = frozenset(self._list_with_tiles(lists, lists.primary))
        is_grey = any(
            place < len(properties) and _is_grey(properties[place])
            for number in numbers
            for place, _ in lists.uses.get(number, ())
        )
        return frozenset() if is_grey else numbers

    def _keep(
        self, lists: Lists, number: int, *, properties: Properties, is_coloured: bool
    ) -> Kept:
        item = lists.items[number]
        if item.is_protected or item.kind not in (_GRID, *_CONFIGURATIONS):
            raise RefusedError(Reason.UNSUPPORTED)
        told = lists.uses.get(number, ())
        if any(place >= len(properties) for place, _ in told):
            raise RefusedError(Reason.MALFORMED)
        needs_profile = is_coloured and not any(_tells_colours(properties[one]) for one, _ in told)
        uses = []
        configuration = b""
        for place, is_essential in told:
            known = properties[place]
            if self._is_profile(lists.properties[place]):
                self._look_at_profile(lists.properties[place])
                if not needs_profile:
                    continue
                needs_profile = False
            if known is None:
                if is_essential:
                    raise RefusedError(Reason.UNSUPPORTED)
                continue
            uses.append((place, is_essential))
            if known[0] == _CONFIGURATIONS.get(item.kind):
                configuration = known[1]
        if len(uses) > MAX_USES:
            raise RefusedError(Reason.MALFORMED)
        pieces = self._pack(lists, number, kind=item.kind, configuration=configuration)
        return Kept(number=number, uses=tuple(uses), pieces=tuple(pieces))

    def _pack(self, lists: Lists, number: int, *, kind: bytes, configuration: bytes) -> list[Piece]:
        """Return the data of an item as they are kept."""
        place = lists.places.get(number)
        if place is None or len(place.extents) != 1:
            raise RefusedError(Reason.UNSUPPORTED)
        offset, length = self._locate(place)
        if kind == _GRID:
            return [self._read_grid(offset, length, _find_tiles(lists, number))]
        if not configuration:
            raise RefusedError(Reason.MALFORMED)
        if kind == _HEVC:
            pieces = filter_nals(
                self._source,
                offset,
                length,
                length_bytes=(configuration[21] & 3) + 1,
                is_hevc=True,
                found=self._found,
            )
            return [Range(offset=offset, length_bytes=length)] if pieces is None else pieces
        if length > MAX_ITEM_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        coded = self._source.read(offset, length)
        kept = filter_units(coded)
        if kept == coded:
            return [Range(offset=offset, length_bytes=length)]
        self._found.add(Kind.OTHER)
        return [kept]

    def _locate(self, place: Place) -> tuple[int, int]:
        """Return where an item is in the file: within `mdat`, or within `idat`."""
        extent = place.extents[0]
        parts = [self._inner] if place.method else self._media
        offset = extent.offset + (self._inner[0] if place.method else 0)
        end = offset + extent.length_bytes
        if end > self._source.length_bytes:
            raise RefusedError(Reason.TRUNCATED)
        if not extent.length_bytes or not any(one[0] <= offset and end <= one[1] for one in parts):
            raise RefusedError(Reason.MALFORMED)
        return offset, extent.length_bytes

    def _read_grid(self, offset: int, length: int, tiles: tuple[int, ...]) -> bytes:
        """Read how many tiles there are, and how large the picture is."""
        if length not in _GRID_BYTES.values():
            raise RefusedError(Reason.MALFORMED)
        grid = self._source.read(offset, length)
        is_exact = grid[0] == 0 and _GRID_BYTES.get(grid[1]) == length
        if not is_exact or (grid[2] + 1) * (grid[3] + 1) != len(tiles):
            raise RefusedError(Reason.MALFORMED)
        return grid

    # --- what is said of items --------------------------------------------------------------------

    def _read_property(self, box: Box) -> tuple[bytes, bytes] | None:
        """Return a property as it is kept, or None if it is not."""
        content = self._data[box.start : box.end]
        if box.name in _CONFIGURATIONS.values():
            return box.name, READERS[box.name](content).content
        if box.name == b"pixi":
            is_exact = len(content) > 4 and len(content) == 5 + content[4]
            return (box.name, content) if is_exact else None
        if box.name == b"auxC":
            return (box.name, content) if content[4:] in _ALPHA else None
        if self._is_profile(box):
            return box.name, _OUR_PROFILE
        read = _FIXED.get(box.name)
        kept = None if read is None else read(content)
        return None if kept is None else (box.name, kept)

    def _is_profile(self, box: Box) -> bool:
        return box.name == b"colr" and self._data[box.start : box.start + 4] in _PROFILES

    def _look_at_profile(self, box: Box) -> None:
        if self._data[box.start : box.end] != _OUR_PROFILE:
            self._found.add(Kind.PROFILE)

    # --- what goes --------------------------------------------------------------------------------

    def _look_at_others(self, lists: Lists, kept: frozenset[int]) -> None:
        """Find the kinds of the items that go."""
        previews = {link.source for link in lists.links if link.kind == b"thmb"}
        for number, item in lists.items.items():
            if number in kept:
                continue
            if number in previews:
                self._found.add(Kind.PREVIEW)
            elif item.kind == b"Exif":
                content = self._peek(lists, number)
                skipped = int.from_bytes(content[:_EXIF_HEAD_BYTES], "big")
                self._found.update(read_exif(content[_EXIF_HEAD_BYTES + skipped :]).kinds)
            elif item.kind == b"mime" and item.content_type == b"application/rdf+xml":
                self._found.update(find_xmp_kinds(self._peek(lists, number)))
            else:
                self._found.add(Kind.OTHER)

    def _peek(self, lists: Lists, number: int) -> bytes:
        """Read the front of an item that goes; b"" if it is nowhere."""
        place = lists.places.get(number)
        if place is None or not place.extents:
            return b""
        extent = place.extents[0]
        offset = extent.offset + (self._inner[0] if place.method else 0)
        return self._source.read_up_to(offset, min(extent.length_bytes, MAX_LOOKED_AT_BYTES))

    # --- what is written anew ---------------------------------------------------------------------

    def _build(self, lists: Lists, kept: list[Kept], properties: Properties) -> Plan:
        kinds = {lists.items[one.number].kind for one in kept} - {_GRID}
        if len(kinds) != 1:
            raise RefusedError(Reason.UNSUPPORTED)
        known = Format.HEIC if kinds == {_HEVC} else Format.AVIF
        builder = PlanBuilder(format=known, source=self._source)
        lengths = [sum(map(_measure, one.pieces)) for one in kept]
        for piece in itertools.chain.from_iterable(one.pieces for one in kept):
            if isinstance(piece, Range):
                builder.keep(piece.offset, piece.length_bytes)
            else:
                builder.write(piece)
        if not all(lengths) or sum(lengths) > self._source.length_bytes:
            raise RefusedError(Reason.MALFORMED)
        front = format_box(b"ftyp", _FRONTS[known, self._is_deep and known == Format.HEIC])
        writer = Writer(lists, kept, properties)
        front_bytes = len(front) + len(writer.format(0, lengths)) + 8
        if front_bytes + sum(lengths) > _MAX_FILE_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        head = (8 + sum(lengths)).to_bytes(4, "big") + b"mdat"
        builder.insert(front + writer.format(front_bytes, lengths) + head, position=0)
        builder.find(*self._found)
        return builder.build()


def _measure(piece: Piece) -> int:
    """Measure a piece."""
    return len(piece) if isinstance(piece, bytes) else piece.length_bytes


def _is_grey(known: tuple[bytes, bytes] | None) -> bool:
    """Tell whether a property is the configuration of a picture without colours."""
    match known:
        case (b"hvcC", content):
            return content[16] & 3 == 0
        case (b"av1C", content):
            return content[2] & 0x10 != 0
    return False


def _tells_colours(known: tuple[bytes, bytes] | None) -> bool:
    """Tell whether a property says which colours are meant by the standards' numbers."""
    return (
        known is not None
        and known[0] == b"colr"
        and known[1].startswith(b"ncl")
        and known[1][4:6] != _UNSPECIFIED
    )


def _find_tiles(lists: Lists, number: int) -> tuple[int, ...]:
    """Find the tiles of a grid, in their order."""
    for link in lists.links:
        if link.kind == b"dimg" and link.source == number:
            return link.targets
    raise RefusedError(Reason.MALFORMED)


def _find_inner(data: bytes, start: int) -> tuple[int, int]:
    """Return where in the file `idat` is, within `meta`."""
    box = list_named(data, 4, len(data)).get(b"idat")
    return (0, 0) if box is None else (start + box.start, start + box.end)
