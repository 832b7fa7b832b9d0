"""The cases of HEIC and AVIF, for `make_cleaning_vectors`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from tests.films import HEVC, make_film, make_pictures, sei, unit
from tests.heifs import (
    ALPHA,
    AV1,
    CODED,
    CODED_AV1,
    DEPTH,
    GRID,
    ISPE,
    NCLX,
    PIXI,
    PROFILE,
    TURN,
    MakeItem,
    link,
    make_heif,
)
from tests.pictures import make_exif
from tipline.cleaning.boxes import format_box
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.plan import write_cleaned

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

CAMERA = make_exif([(0x010F, 2, 4, b"Cam\0"), (0x0132, 2, 4, b"now\0")])
XMP = b"<x exif:GPSLatitude='1' xmpMM:DocumentID='2'/>"
AVIF = b"avif\0\0\0\0avifmif1miaf"


def clean(data: bytes) -> bytes:
    """Make what a picture's cleaning makes of it: one that stays as it is."""
    out = io.BytesIO()
    write_cleaned(plan_cleaning(io.BytesIO(data)), io.BytesIO(data), out)
    return out.getvalue()


def tile(number: int, **options: object) -> MakeItem:
    """Make a tile of a grid."""
    return MakeItem(number=number, flags=1, **options)  # type: ignore[arg-type]


def grid(number: int, **options: object) -> MakeItem:
    """Make a grid of two tiles."""
    chosen = {"data": GRID, "kind": b"grid", "properties": (2,), "method": 1, **options}
    return MakeItem(number=number, **chosen)  # type: ignore[arg-type]


def list_heifs() -> Iterator[Case]:
    """List the cases of HEIC and AVIF."""
    whole = make_heif(MakeItem(number=1))
    yield "one", "is written anew", [whole]
    yield "clean", "stays byte for byte", [clean(whole)]
    tiles = [tile(1), tile(2), grid(9)]
    gridded = make_heif(*tiles, links=[link(b"dimg", 9, 1, 2)], primary=9)
    yield "grid", "stays, and is numbered anew", [gridded]
    av1 = MakeItem(number=1, kind=b"av01", data=CODED_AV1)
    yield "avif", "is told by its picture", [make_heif(av1, properties=[AV1, ISPE], brand=AVIF)]
    deep = make_heif(MakeItem(number=1), brand=b"heix\0\0\0\0mif1heix")
    yield "deep", "keeps a brand of more bits", [deep]
    exif = MakeItem(number=2, kind=b"Exif", data=bytes(4) + CAMERA, properties=())
    yield "exif", "goes", [make_heif(MakeItem(number=1), exif, links=[link(b"cdsc", 2, 1)])]
    told = b"\0application/rdf+xml\0\0"
    xmp = MakeItem(number=2, kind=b"mime", name=told, data=XMP, properties=(), method=1)
    yield "xmp", "goes, its words are its kinds", [make_heif(MakeItem(number=1), xmp)]
    small = MakeItem(number=2)
    yield "preview", "goes", [make_heif(MakeItem(number=1), small, links=[link(b"thmb", 2, 1)])]
    yield "second", "goes", [make_heif(MakeItem(number=7), MakeItem(number=2), primary=2)]
    for name, box, rule in (("alpha", ALPHA, "stays"), ("depth", DEPTH, "goes")):
        aside = MakeItem(number=2, properties=(0x81, 2, 3), flags=1)
        data = make_heif(
            MakeItem(number=1),
            aside,
            properties=[HEVC, ISPE, box],
            links=[link(b"auxl", 2, 1)],
        )
        yield name, rule, [data]
    many = [HEVC, ISPE, PIXI, NCLX, PROFILE, TURN, format_box(b"udes", bytes(4), b"mine")]
    said = MakeItem(number=1, properties=(0x81, 2, 3, 4, 5, 0x86, 7))
    yield "properties", "that a decoder needs stay", [make_heif(said, properties=many)]
    essential = MakeItem(number=1, properties=(0x81, 2, 0x83))
    yield "profile-essential", "goes all the same", [
        make_heif(essential, properties=[HEVC, ISPE, PROFILE])
    ]  # fmt: skip
    strange = [HEVC, ISPE, format_box(b"xxxx", b"")]
    yield "essential", "what must be known is refused", [make_heif(essential, properties=strange)]
    unused = [HEVC, ISPE, format_box(b"uuid", b"mine")]
    yield "unused", "goes", [make_heif(MakeItem(number=1), properties=unused)]
    telling = sei(5, bytes(16) + b"x265", head=b"\x4e\1") + CODED
    yield "sei", "goes", [make_heif(MakeItem(number=1, data=telling))]
    metadata = MakeItem(number=1, kind=b"av01", data=b"\x2a\3\4\xb5\0" + CODED_AV1)
    yield "obu", "goes", [make_heif(metadata, properties=[AV1, ISPE], brand=AVIF)]
    named = MakeItem(number=1, name=b"IMG_0001\0")
    yield "name", "goes", [make_heif(named)]
    film = make_film(make_pictures())
    yield "film-behind", "goes", [make_heif(MakeItem(number=1), behind=format_box(b"mpvd", film))]
    yield "behind", "what is no box goes", [whole + b"\xff\xff\xff\xffPHON"]
    yield "between", "goes", [make_heif(MakeItem(number=1), before=format_box(b"free", b"told"))]
    yield "animation", "is refused", [make_heif(MakeItem(number=1), behind=film[24:])]
    yield "encrypted", "is refused", [make_heif(MakeItem(number=1, protection=1))]
    yield "other-kind", "is refused", [make_heif(MakeItem(number=1, kind=b"iovl"))]
    yield "cycle", "is refused", [make_heif(grid(1), links=[link(b"dimg", 1, 1, 1)])]
    yield "few-tiles", "are refused", [
        make_heif(*tiles, links=[link(b"dimg", 9, 1)], primary=9)
    ]  # fmt: skip
    yield "no-tile", "is refused", [make_heif(*tiles, links=[link(b"dimg", 9, 1, 8)], primary=9)]
    yield "no-links", "are refused", [make_heif(*tiles, primary=9)]
    yield "no-picture", "is refused", [make_heif(MakeItem(number=1), primary=3)]
    yield "no-configuration", "is refused", [make_heif(MakeItem(number=1, properties=(2,)))]
    yield "no-property", "is refused", [make_heif(MakeItem(number=1, properties=(0x81, 9)))]
    yield "half-a-unit", "is refused", [make_heif(MakeItem(number=1, data=unit(b"\x26\1")[:-1]))]
    yield "truncated", "is refused", [whole[:-1]]
    yield "no-meta", "is refused", [whole[:24] + format_box(b"mdat", CODED)]
    yield "lying-count", "nothing is made for it", [
        whole.replace(b"iinf\0\0\0\0\0\1", b"iinf\0\0\0\0\xff\xff")
    ]  # fmt: skip
    yield "lying-place", "is refused", [
        whole.replace(b"\0\1\0\0\0\0\0\1\0\0", b"\0\1\0\0\0\0\0\1\x7f\0")
    ]  # fmt: skip
    yield "grid-of-another-size", "is refused", [
        make_heif(
            tile(1), tile(2), grid(9, data=GRID + b"x"), links=[link(b"dimg", 9, 1, 2)], primary=9
        )
    ]  # fmt: skip
