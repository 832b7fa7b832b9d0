"""PNG and APNG: the chunks of a decoder stay, everything else goes."""

from __future__ import annotations

import struct

import pytest

from tests.holding import clean, refuse
from tests.pictures import IEND, PIXELS, SIGNATURE, chunk, make_exif, make_header, make_png
from tipline.cleaning.errors import Reason
from tipline.cleaning.exif import format_orientation
from tipline.cleaning.plan import Format, Kind
from tipline.cleaning.png import MAX_LOOKED_AT_BYTES

CLEAN = make_png()
COLOUR = make_header(colour=3)
PALETTE = chunk(b"PLTE", bytes(range(6)))
SRGB = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
FRAME = chunk(b"fcTL", bytes(26))
ANIMATION = chunk(b"acTL", struct.pack(">II", 2, 0))


@pytest.mark.parametrize(
    "picture",
    [
        CLEAN,
        make_png(pixels=PIXELS + chunk(b"IDAT") + chunk(b"IDAT")),
        make_png(chunk(b"gAMA", (45455).to_bytes(4, "big")), chunk(b"cHRM", SRGB)),
        make_png(chunk(b"sRGB", b"\0"), chunk(b"cICP", b"\x01\x0d\0\1")),
        make_png(PALETTE, chunk(b"tRNS", b"\x01\x02"), header=COLOUR),
        make_png(PALETTE, chunk(b"tRNS", b""), header=COLOUR),
        make_png(chunk(b"tRNS", b"\0\1")),
        make_png(chunk(b"tRNS", b"\0\1\0\1\0\1"), header=make_header(colour=2)),
        make_png(ANIMATION, FRAME, pixels=PIXELS + FRAME + chunk(b"fdAT", b"\0\0\0\1pixels")),
    ],
    ids=["plain", "parts", "colours", "named", "palette", "opaque", "key", "keys", "animation"],
)
def test_png_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte(
    picture: bytes,
) -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(picture)

    assert (cleaned, plan.format, plan.kinds) == (picture, Format.PNG, ())


@pytest.mark.parametrize(
    ("name", "content", "kinds"),
    [
        (b"tEXt", b"Author\0Ana", {Kind.TEXT}),
        (b"zTXt", b"Author\0\0rubbish", {Kind.TEXT}),
        (b"iTXt", b"Author\0\0\0\0\0Ana", {Kind.TEXT}),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x xmp:CreatorTool=''/>", {Kind.SOFTWARE}),
        (b"tIME", b"\x07\xe6\1\1\0\0\0", {Kind.TIME}),
        (b"eXIf", make_exif([(0x0132, 2, 4, b"now\0")]), {Kind.TIME}),
        (b"eXIf", b"rubbish", {Kind.OTHER}),
        (b"iCCP", b"my display\0\0rubbish", {Kind.PROFILE}),
        (b"cHRM", bytes(32), {Kind.PROFILE}),
        (b"gAMA", b"\0\0\0\1", {Kind.PROFILE}),
        (b"pHYs", bytes(9), {Kind.OTHER}),
        (b"bKGD", bytes(2), {Kind.OTHER}),
        (b"caBX", b"who made this", {Kind.OTHER}),
        (b"prVt", b"private", {Kind.OTHER}),
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_png_when_a_chunk_says_more_then_it_goes_and_its_kind_is_told(
    name: bytes, content: bytes, kinds: set[Kind], is_late: bool
) -> None:
    """Every chunk but those of a decoder goes, wherever it stands."""
    told = chunk(name, content)
    picture = make_png(pixels=PIXELS + told) if is_late else make_png(told)

    cleaned, plan = clean(picture)

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


@pytest.mark.parametrize(
    ("name", "content"), [(b"iCCP", b"my display\0\0x"), (b"gAMA", b"\0\0\0\1")]
)
def test_png_when_colours_of_a_display_go_then_it_is_called_srgb_once(
    name: bytes, content: bytes
) -> None:
    """Behind the header, and not where a chunk that is kept tells the colours."""
    told, ours, numbers = (
        chunk(name, content),
        chunk(b"sRGB", b"\0"),
        chunk(b"cICP", b"\x0c\x0d\0\1"),
    )
    header = make_header(colour=2)

    cleaned, plan = clean(make_png(told, header=header))

    assert (cleaned, plan.kinds) == (make_png(ours, header=header), (Kind.PROFILE,))
    assert clean(make_png(told, ours, header=header))[0] == make_png(ours, header=header)
    assert clean(make_png(numbers, told, header=header))[0] == make_png(numbers, header=header)


def test_png_when_a_chunk_that_goes_is_huge_then_only_its_beginning_is_looked_at() -> None:
    """Memory does not grow with what goes."""
    told = chunk(b"eXIf", bytes(2 * MAX_LOOKED_AT_BYTES))

    assert clean(make_png(told))[0] == CLEAN


@pytest.mark.parametrize("behind", [b"\0", CLEAN, PIXELS, b"PK\3\4", b"GIF89a"])
def test_png_when_something_lies_behind_the_end_then_it_goes(behind: bytes) -> None:
    """What a crop left behind the end (aCropalypse) goes."""
    cleaned, plan = clean(make_png(behind=behind))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.TRAILING,))


@pytest.mark.parametrize("is_late", [False, True])
def test_png_when_it_is_not_upright_then_the_orientation_alone_stays(is_late: bool) -> None:
    """Wherever it was told, it stands before the pixels."""
    told = chunk(b"eXIf", make_exif([(0x010F, 2, 4, b"Cam\0"), (0x0112, 3, 1, b"\0\6\0\0")]))
    colours = chunk(b"sRGB", b"\0")
    picture = make_png(colours, pixels=PIXELS + told) if is_late else make_png(told, colours)

    cleaned, plan = clean(picture)

    assert plan.kinds == (Kind.DEVICE,)
    assert cleaned == make_png(colours, chunk(b"eXIf", format_orientation(6)))


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(8, len(CLEAN)))
def test_png_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No file that ends too early is taken for a whole one."""
    assert refuse(CLEAN[:length]) == Reason.TRUNCATED


def header(*, content: bytes) -> bytes:
    """Make a PNG of another header."""
    return make_png(header=chunk(b"IHDR", content))


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (SIGNATURE + PIXELS + IEND, Reason.MALFORMED),
        (make_png(make_header()), Reason.MALFORMED),
        (make_png(pixels=b""), Reason.MALFORMED),
        (make_png(pixels=PIXELS + chunk(b"tEXt") + PIXELS), Reason.MALFORMED),
        (make_png(header=COLOUR), Reason.MALFORMED),
        (make_png(PALETTE, PALETTE, header=COLOUR), Reason.MALFORMED),
        (make_png(chunk(b"PLTE", bytes(5)), header=COLOUR), Reason.MALFORMED),
        (make_png(chunk(b"PLTE", b""), header=COLOUR), Reason.MALFORMED),
        (make_png(chunk(b"PLTE", bytes(771)), header=COLOUR), Reason.MALFORMED),
        (make_png(chunk(b"tRNS", bytes(3))), Reason.MALFORMED),
        (make_png(chunk(b"tRNS", bytes(2)), header=make_header(colour=6)), Reason.MALFORMED),
        (make_png(chunk(b"sRGB", b"\0hidden")), Reason.MALFORMED),
        (make_png(chunk(b"cHRM", SRGB[:-1])), Reason.MALFORMED),
        (make_png(chunk(b"fcTL", bytes(27))), Reason.MALFORMED),
        (make_png(chunk(b"fdAT", bytes(9))), Reason.MALFORMED),
        (make_png(ANIMATION, FRAME, pixels=PIXELS + chunk(b"fdAT", b"\0")), Reason.MALFORMED),
        (make_png(chunk(b"sRGB", b"\0")[:-1] + b"\0"), Reason.MALFORMED),
        (SIGNATURE + make_header() + PIXELS + chunk(b"IEND", b"hidden"), Reason.MALFORMED),
        (header(content=bytes(12)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 0, 1, 8, 0, 0, 0, 0)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 1, 0, 8, 0, 0, 0, 0)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 1, 2**31, 8, 0, 0, 0, 0)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 1, 1, 4, 2, 0, 0, 0)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 1, 1, 8, 5, 0, 0, 0)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 1, 1, 8, 0, 1, 0, 0)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 1, 0)), Reason.MALFORMED),
        (header(content=struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 2)), Reason.MALFORMED),
        (make_png(b"\0\0\0\0\0\0\0\0\0\0\0\0"), Reason.MALFORMED),
        (make_png(b"\x80\0\0\0tEXt"), Reason.MALFORMED),
        (make_png(b"\x7f\xff\xff\xfftEXt"), Reason.TRUNCATED),
        (make_png(chunk(b"CgBI", bytes(4))), Reason.UNSUPPORTED),
    ],
)
def test_png_when_it_breaks_a_rule_then_it_is_refused(picture: bytes, reason: Reason) -> None:
    """Shapes, order and checksums are the standard's."""
    assert refuse(picture) == reason
