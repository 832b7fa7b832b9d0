"""The profile of sRGB: right, as small as it can be, and of nobody."""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageCms

from tests.holding import clean
from tipline.cleaning.plan import Kind
from tipline.cleaning.srgb import SRGB

Matrix = list[list[Fraction]]

HEAD_BYTES = 128
PRIMARIES = (("0.64", "0.33"), ("0.30", "0.60"), ("0.15", "0.06"))
D65 = ("0.3127", "0.3290")
D50 = (0xF6D6, 0x10000, 0xD32D)
BRADFORD = [
    [Fraction("0.8951"), Fraction("0.2664"), Fraction("-0.1614")],
    [Fraction("-0.7502"), Fraction("1.7135"), Fraction("0.0367")],
    [Fraction("0.0389"), Fraction("-0.0685"), Fraction("1.0296")],
]


def find_part(name: bytes) -> bytes:
    """Find a part of the profile by its list."""
    for start in range(HEAD_BYTES + 4, HEAD_BYTES + 4 + 12 * SRGB[HEAD_BYTES + 3], 12):
        if SRGB[start : start + 4] == name:
            offset, length = struct.unpack_from(">II", SRGB, start + 4)
            return SRGB[offset : offset + length]
    raise AssertionError(name)


def read_numbers(name: bytes, *, head_bytes: int = 8) -> list[int]:
    """Read the numbers of a part, in units of 1/65536."""
    content = find_part(name)[head_bytes:]
    return list(struct.unpack(f">{len(content) // 4}i", content))


def invert(matrix: Matrix) -> Matrix:
    """Invert three by three."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    rows = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]
    return [[value / determinant for value in row] for row in rows]


def multiply(one: Matrix, other: Matrix) -> Matrix:
    """Multiply three by three."""
    return [
        [sum((row[k] * other[k][j] for k in range(3)), Fraction(0)) for j in range(3)]
        for row in one
    ]


def apply(matrix: Matrix, vector: Sequence[Fraction]) -> list[Fraction]:
    """Multiply a matrix with a column."""
    return [sum((row[k] * vector[k] for k in range(3)), Fraction(0)) for row in matrix]


def scale(columns: Matrix, factors: Sequence[Fraction]) -> Matrix:
    """Multiply each column."""
    return [[row[j] * factors[j] for j in range(3)] for row in columns]


def find_colour(x: str, y: str) -> list[Fraction]:
    """Return XYZ of a place in the plane of colours, of brightness 1."""
    return [Fraction(x) / Fraction(y), Fraction(1), (1 - Fraction(x) - Fraction(y)) / Fraction(y)]


def make_gradient() -> Image.Image:
    """Make a picture of every pair of two values, in three ways."""
    pixels = bytes(
        value
        for a in range(256)
        for b in range(256)
        for colour in ((a, b, a ^ b), (b, (a + b) % 256, a), (a, a, b))
        for value in colour
    )
    return Image.frombytes("RGB", (768, 256), pixels)


def test_profile_when_its_numbers_are_computed_then_they_are_those_of_the_standard() -> None:
    """Primaries and white of IEC 61966-2-1, adapted by Bradford's matrix, to the last unit."""
    colours = [find_colour(*one) for one in PRIMARIES]
    columns = [[colours[j][i] for j in range(3)] for i in range(3)]
    white = find_colour(*D65)
    adapted = [
        aim / seen
        for aim, seen in zip(
            apply(BRADFORD, [Fraction(one, 65536) for one in D50]),
            apply(BRADFORD, white),
            strict=True,
        )
    ]
    cones = [[adapted[i] * value for value in BRADFORD[i]] for i in range(3)]
    adaptation = multiply(invert(BRADFORD), cones)
    matrix = multiply(adaptation, scale(columns, apply(invert(columns), white)))

    assert read_numbers(b"wtpt") == list(D50)
    assert read_numbers(b"chad") == [round(one * 65536) for row in adaptation for one in row]
    for place, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ")):
        assert read_numbers(name) == [round(row[place] * 65536) for row in matrix]
    curve = [Fraction("2.4"), 1 / Fraction("1.055"), Fraction("0.055") / Fraction("1.055")]
    curve += [1 / Fraction("12.92"), Fraction("0.04045")]
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        assert read_numbers(name, head_bytes=12) == [round(one * 65536) for one in curve]


@pytest.mark.parametrize("intent", range(4))
@pytest.mark.parametrize("is_source", [True, False])
def test_profile_when_littlecms_applies_it_then_nothing_changes(
    intent: int, *, is_source: bool
) -> None:
    """Another program's sRGB is the same, both ways, for each way of fitting colours."""
    ours = ImageCms.ImageCmsProfile(io.BytesIO(SRGB))
    theirs = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    image = make_gradient()

    pair = (ours, theirs) if is_source else (theirs, ours)
    seen = ImageCms.profileToProfile(image, *pair, renderingIntent=intent)

    assert seen is not None
    assert max(abs(a - b) for a, b in zip(image.tobytes(), seen.tobytes(), strict=True)) <= 1


def test_profile_when_exiftool_validates_it_then_it_finds_no_fault(tmp_path: Path) -> None:
    """It is a profile by the standard, and not only for who forgives."""
    path = tmp_path / "ours.icc"
    path.write_bytes(SRGB)

    command = ["exiftool", "-validate", "-warning", "-error", "-a", "-s3", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)

    assert done.stdout.split() == ["OK"]


def test_profile_when_it_is_read_then_it_tells_of_nobody() -> None:
    """No program, day, platform, maker, model, or id; one word, and no byte twice."""
    assert len(SRGB) == int.from_bytes(SRGB[:4], "big") == 444
    for first, end in ((4, 8), (24, 36), (40, 64), (80, HEAD_BYTES)):
        assert not any(SRGB[first:end])
    assert find_part(b"desc") == find_part(b"cprt")
    assert find_part(b"desc")[28:] == "sRGB".encode("utf-16-be")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "jpeg"}),
        ("HEIF", {"quality": 60}),
        ("AVIF", {"quality": 60}),
    ],
)
def test_picture_when_it_has_a_profile_then_decoders_find_srgb_in_its_place(
    name: str, options: dict[str, object]
) -> None:
    """Pixels are the same, and the profile is ours, byte for byte."""
    theirs = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert b"s\0R\0G\0B\0 \0b\0u\0i\0l\0t" in theirs
    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    make_gradient().resize((96, 64)).save(out, name, icc_profile=theirs, **options)

    cleaned, plan = clean(out.getvalue())

    assert Kind.PROFILE in plan.kinds
    with Image.open(out) as before, Image.open(io.BytesIO(cleaned)) as after:
        assert before.info["icc_profile"] == theirs
        assert after.info["icc_profile"] == SRGB
        assert after.tobytes() == before.tobytes()


def test_png_when_it_has_a_profile_then_decoders_find_srgb_in_its_place() -> None:
    """By one byte: the standard knows the name."""
    theirs = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = io.BytesIO()
    make_gradient().save(out, "PNG", icc_profile=theirs)

    cleaned, plan = clean(out.getvalue())

    assert Kind.PROFILE in plan.kinds
    with Image.open(out) as before, Image.open(io.BytesIO(cleaned)) as after:
        assert after.info == {"srgb": 0}
        assert after.tobytes() == before.tobytes()
