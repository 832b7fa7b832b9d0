"""
Makes `cleaning/*.json`: what becomes of a file, for every program that cleans by our rules.

Run `python -m tests.vectors.make_cleaning_vectors` to make them anew. They are committed, and the
tests read them and never this module: so a change of a rule shows as a vector that no longer holds.

A vector has `name`, `rule` (what it is about), `input`, and either `refused`, the reason, or
`format`, `kinds`, `output_len` and `output_sha256`, as `digest_cleaned` gives them. `input` is a
list of parts, put together: `hex`, and `times` where it is there more than once.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.documents import digest_cleaned
from tests.pictures import (
    ALPH,
    DHT,
    DQT,
    EOI,
    GIF_CONTROL,
    GIF_IMAGE,
    GIF_LOOP,
    IEND,
    PIXELS,
    SOI,
    VP8,
    VP8L,
    chunk,
    extension,
    make_canvas,
    make_exif,
    make_frame,
    make_gif,
    make_header,
    make_jpeg,
    make_png,
    make_scan,
    make_webp,
    riff_chunk,
    segment,
)
from tests.vectors.cleaning_documents import list_documents
from tests.vectors.cleaning_drawings import list_drawings
from tests.vectors.cleaning_files_inside import list_files_inside
from tests.vectors.cleaning_films import list_films
from tests.vectors.cleaning_heifs import list_heifs
from tests.vectors.cleaning_matroskas import list_matroskas
from tests.vectors.cleaning_open_documents import list_open_documents
from tests.vectors.cleaning_pdf_files import list_pdf_files
from tests.vectors.cleaning_pdf_forms import list_pdf_forms
from tests.vectors.cleaning_pdf_locks import list_pdf_locks
from tests.vectors.cleaning_pdf_parts import list_pdf_parts
from tests.vectors.cleaning_pdfs import list_pdfs
from tests.vectors.cleaning_pictures import list_picture_borders
from tests.vectors.cleaning_profiles import list_profiles
from tests.vectors.cleaning_sheets import list_sheets
from tests.vectors.cleaning_sounds import list_flacs, list_mp3s, list_oggs, list_wavs
from tests.vectors.cleaning_texts import list_texts
from tests.vectors.cleaning_tiffs import list_tiffs
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.exif import format_orientation
from tipline.cleaning.jpeg import JFIF
from tipline.cleaning.plan import write_cleaned

FOLDER = Path(__file__).parent / "cleaning"
Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

CAMERA = make_exif(
    [
        (0x010F, 2, 4, b"Cam\0"),
        (0x0112, 3, 1, b"\0\6\0\0"),
        (0x0131, 2, 4, b"App\0"),
        (0x0132, 2, 4, b"now\0"),
    ]
)
SRGB = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
XMP = b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude='1' xmpMM:DocumentID='2'/>"
IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x50\0\3Ana"
ADOBE = segment(0xEE, b"Adobe" + bytes([0, 101, 0x80, 0, 1, 2, 0]))
YCC = {"frame": make_frame(ids=b"\1\2\3"), "scans": [make_scan(ids=b"\1\2\3")]}
RGB = SOI + DQT + make_frame(ids=b"RGB") + DHT + make_scan(ids=b"RGB") + EOI
CMYK = SOI + DQT + make_frame(ids=b"\1\2\3\4") + DHT + make_scan(ids=b"\1\2\3\4") + EOI


def list_jpegs() -> Iterator[Case]:
    """List the cases of JPEG."""
    yield "clean", "stays byte for byte", [make_jpeg()]
    yield "comment", "COM goes", [make_jpeg(JFIF, segment(0xFE, b"by Ana"))]
    yield (
        "camera",
        "EXIF goes but for the orientation",
        [make_jpeg(segment(0xE1, b"Exif\0\0" + CAMERA))],
    )
    for orientation in range(1, 9):
        made = make_exif([(0x0112, 3, 1, bytes([orientation, 0, 0, 0]))], order="<")
        yield (
            f"orientation-{orientation}",
            "little-endian EXIF",
            [make_jpeg(JFIF, segment(0xE1, b"Exif\0\0" + made))],
        )
    yield (
        "orientation-twice",
        "the first holds",
        [make_jpeg(*(segment(0xE1, b"Exif\0\0" + format_orientation(one)) for one in (6, 3)))],
    )
    yield (
        "exif-cycle",
        "a directory that names itself ends",
        [make_jpeg(JFIF, segment(0xE1, b"Exif\0\0" + make_exif([(0x8769, 4, 1, b"\0\0\0\x08")])))],
    )
    yield "exif-rubbish", "what cannot be read goes", [make_jpeg(segment(0xE1, b"Exif\0\0xyz"))]
    yield "xmp", "XMP goes, its words are its kinds", [make_jpeg(segment(0xE1, XMP))]
    yield "iptc", "Photoshop's resources go", [make_jpeg(segment(0xED, IPTC))]
    yield "profile", "ICC goes", [make_jpeg(JFIF, segment(0xE2, b"ICC_PROFILE\0\1\1display"))]
    yield (
        "pictures",
        "MPF and what lies behind the end go",
        [make_jpeg(JFIF, segment(0xE2, b"MPF\0II*\0"), behind=make_jpeg())],
    )
    yield (
        "density",
        "JFIF is the same for everybody",
        [make_jpeg(segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\0\0"))],
    )
    yield (
        "thumbnail",
        "JFIF's thumbnail goes",
        [make_jpeg(segment(0xE0, b"JFIF\0\1\2\1\0\1\0\1\1\1\1\2\3"))],
    )
    yield "adobe", "of Adobe's segment the transform stays", [make_jpeg(ADOBE, **YCC)]
    yield (
        "adobe-short",
        "an Adobe segment without a transform goes",
        [make_jpeg(JFIF, segment(0xEE, b"Adobe"))],
    )
    yield "no-jfif", "JFIF is written where it changes nothing", [make_jpeg(b"", **YCC)]
    yield "rgb", "no JFIF where it would change the colours", [RGB]
    yield "cmyk", "no JFIF for four components", [CMYK]
    yield "unknown", "an application's segment goes", [make_jpeg(JFIF, segment(0xE7, b"x"))]
    yield "stray", "bytes between segments go", [make_jpeg(JFIF, b"stray\xff\x01\xff\xd3\xff\xff")]
    yield "fill", "fill before a marker goes", [make_jpeg(scans=[make_scan() + b"\xff\xff"])]
    yield (
        "restarts",
        "restarts and stuffing stay",
        [
            make_jpeg(
                JFIF, segment(0xDD, b"\0\1"), scans=[make_scan(data=b"\x0f\xff\xd0\xff\0\x0f")]
            )
        ],
    )
    yield (
        "progressive",
        "scans and the tables between them stay",
        [make_jpeg(frame=make_frame(marker=0xC2), scans=[make_scan(), DHT, make_scan()])],
    )
    yield "twelve-bits", "extended", [make_jpeg(frame=make_frame(marker=0xC1, precision=12))]
    yield (
        "arithmetic",
        "DAC stays",
        [make_jpeg(JFIF, segment(0xCC, b"\0\x10"), frame=make_frame(marker=0xC9))],
    )
    yield "lines", "DNL stays", [make_jpeg(scans=[make_scan(), segment(0xDC, b"\0\x08")])]
    head = SOI + JFIF + DQT + make_frame() + DHT + make_scan(data=b"")
    yield "large", "a film behind half a megabyte of data", [head, (b"\x0f", 524_287), EOI, b"film"]
    yield (
        "marker-across",
        "a marker across any window of 2^n",
        [
            head,
            (b"\x0f", 524_287 - len(head)),
            EOI,
        ],
    )
    yield "truncated", "no EOI", [make_jpeg()[:-2]]
    yield "cut-segment", "a length beyond the end", [make_jpeg(b"\xff\xfe\xff\xff")]
    yield "no-scan", "no picture", [make_jpeg(scans=[])]
    yield "two-frames", "one frame only", [make_jpeg(frame=make_frame() * 2)]
    yield (
        "behind-table",
        "nothing hides behind a table",
        [make_jpeg(JFIF, segment(0xDB, bytes(65) + b"hidden"))],
    )
    yield "hierarchical", "is refused", [make_jpeg(JFIF, segment(0xDE, b""))]
    yield "jpeg-ls", "is refused", [make_jpeg(JFIF, segment(0xF7, b""))]
    yield "nested", "no second start", [make_jpeg(JFIF, SOI)]


def list_pngs() -> Iterator[Case]:
    """List the cases of PNG."""
    yield "clean", "stays byte for byte", [make_png()]
    for name in (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"iCCP", b"bKGD", b"prVt"):
        yield name.decode(), "goes", [make_png(chunk(name, b"Author\0Ana"))]
    yield (
        "xmp",
        "its words are its kinds",
        [make_png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))],
    )
    yield "camera", "the orientation stays, before the pixels", [make_png(chunk(b"eXIf", CAMERA))]
    yield (
        "camera-late",
        "the orientation moves before the pixels",
        [make_png(chunk(b"sRGB", b"\0"), pixels=PIXELS + chunk(b"eXIf", CAMERA))],
    )
    yield (
        "colours",
        "those that many share stay",
        [make_png(chunk(b"gAMA", (45455).to_bytes(4, "big")), chunk(b"cHRM", SRGB))],
    )
    yield (
        "display",
        "those of a display of its own go",
        [make_png(chunk(b"gAMA", (45001).to_bytes(4, "big")), chunk(b"cHRM", bytes(32)))],
    )
    yield (
        "palette",
        "stays",
        [make_png(chunk(b"PLTE", bytes(6)), chunk(b"tRNS", b"\1\2"), header=make_header(colour=3))],
    )
    yield (
        "animation",
        "stays",
        [
            make_png(
                chunk(b"acTL", struct.pack(">II", 2, 0)),
                chunk(b"fcTL", bytes(26)),
                pixels=PIXELS + chunk(b"fcTL", bytes(26)) + chunk(b"fdAT", bytes(4) + b"x"),
            )
        ],
    )
    yield "behind", "what lies behind IEND goes", [make_png(behind=make_png())]
    yield (
        "large",
        "half a megabyte of text goes",
        [
            make_png()[: -len(PIXELS + IEND)],
            (524_288).to_bytes(4, "big") + b"tEXt",
            (b"a", 524_288),
            b"\0\0\0\0",
            PIXELS + IEND,
        ],
    )
    yield "truncated", "no IEND", [make_png()[:-12]]
    yield "lying-length", "a length beyond the end", [make_png(b"\x7f\xff\xff\xfftEXt")]
    yield "length-beyond-the-standard", "lengths have 31 bits", [make_png(b"\x80\0\0\0tEXt")]
    yield "checksum", "of a chunk that is kept", [make_png(chunk(b"sRGB", b"\0")[:-1] + b"\0")]
    yield "no-pixels", "no picture", [make_png(pixels=b"")]
    yield (
        "pixels-apart",
        "pixels stand in one row",
        [make_png(pixels=PIXELS + chunk(b"tEXt") + PIXELS)],
    )
    yield "no-palette", "pixels that need one", [make_png(header=make_header(colour=3))]
    yield "unknown-critical", "is refused", [make_png(chunk(b"CgBI", bytes(4)))]
    yield "long-header", "shapes are exact", [make_png(header=chunk(b"IHDR", bytes(14)))]


def list_webps() -> Iterator[Case]:
    """List the cases of WebP."""
    anim = riff_chunk(b"ANIM", bytes(6))
    telling = riff_chunk(b"EXIF", b"telling")
    frame = riff_chunk(b"ANMF", bytes(15) + b"\xff" + VP8 + telling)
    yield "lossy", "stays byte for byte", [make_webp(VP8)]
    yield "lossless", "stays byte for byte", [make_webp(VP8L)]
    yield "alpha", "stays byte for byte", [make_webp(make_canvas(0x10), ALPH, VP8)]
    yield (
        "animation",
        "what a frame says besides goes",
        [make_webp(make_canvas(0x02), anim, frame, riff_chunk(b"ANMF", bytes(16) + VP8L))],
    )
    yield (
        "camera",
        "the orientation stays, behind the pixels",
        [make_webp(make_canvas(0x08), riff_chunk(b"EXIF", CAMERA), VP8)],
    )
    yield (
        "camera-as-in-jpeg",
        "the same with JPEG's prefix",
        [make_webp(make_canvas(0x08), VP8, riff_chunk(b"EXIF", b"Exif\0\0" + CAMERA))],
    )
    yield (
        "profile",
        "goes with its flag",
        [make_webp(make_canvas(0x20), riff_chunk(b"ICCP", b"display"), VP8L)],
    )
    yield (
        "xmp",
        "goes with its flag",
        [make_webp(make_canvas(0x04), VP8L, riff_chunk(b"XMP ", XMP))],
    )
    empty = riff_chunk(b"XMP ", b"")
    for count in (15, 16):
        xmps = [empty] * count + [riff_chunk(b"XMP ", XMP)]
        yield (
            f"xmps-{count + 1}",
            "sixteen are looked into",
            [make_webp(make_canvas(0x04), VP8L, *xmps)],
        )
    yield "flags", "reserved flags go", [make_webp(make_canvas(0xC1), VP8L)]
    yield "unknown", "goes", [make_webp(VP8L, riff_chunk(b"prvt", b"x"))]
    yield "behind", "what lies behind the end goes", [make_webp(VP8, behind=make_webp(VP8))]
    yield "no-filling", "the last filling byte is there afterwards", [make_webp(VP8)[:-1]]
    yield "other-filling", "and is zero", [make_webp(VP8)[:-1] + b"x"]
    yield "truncated", "is refused", [make_webp(VP8)[:-3]]
    yield "lying-length", "is refused", [make_webp(b"VP8 \xff\xff\xff\xff")]
    yield "two-pictures", "is refused", [make_webp(VP8, VP8)]
    yield "no-picture", "is refused", [make_webp(make_canvas())]
    yield "late-canvas", "is refused", [make_webp(VP8, make_canvas())]
    yield (
        "empty-frame",
        "is refused",
        [make_webp(make_canvas(0x02), anim, riff_chunk(b"ANMF", bytes(16)))],
    )
    yield "still-animation", "flags and chunks agree", [make_webp(make_canvas(0x02), VP8)]


def list_gifs() -> Iterator[Case]:
    """List the cases of GIF."""
    text = extension(0x01, bytes(12), b"seen at the depot")
    yield "clean", "stays byte for byte", [make_gif()]
    yield "older", "stays byte for byte", [make_gif().replace(b"89a", b"87a")]
    yield (
        "animation",
        "controls and the loop stay",
        [make_gif(GIF_LOOP, GIF_CONTROL, GIF_IMAGE, GIF_CONTROL, GIF_IMAGE)],
    )
    yield "comment", "goes", [make_gif(extension(0xFE, b"by Ana"), GIF_IMAGE)]
    yield "text", "goes with its control", [make_gif(GIF_CONTROL, text, GIF_IMAGE)]
    yield (
        "xmp",
        "goes, its words are its kinds",
        [make_gif(extension(0xFF, b"XMP DataXMP", b"<x exif:GPSLatitude=''/>"), GIF_IMAGE)],
    )
    yield "application", "goes", [make_gif(extension(0xFF, b"ICCRGBG1012", b"x"), GIF_IMAGE)]
    yield (
        "loop-with-more",
        "a loop of another shape goes",
        [make_gif(extension(0xFF, b"NETSCAPE2.0", b"\1\0\0", b"more"), GIF_IMAGE)],
    )
    yield "control-alone", "a control without an image goes", [make_gif(GIF_IMAGE, GIF_CONTROL)]
    yield (
        "two-controls",
        "the last one holds",
        [make_gif(extension(0xF9, bytes(4)), GIF_CONTROL, GIF_IMAGE)],
    )
    yield "aspect", "the pixels' shape goes", [make_gif(aspect=49)]
    yield "behind", "what lies behind the trailer goes", [make_gif(behind=b"PK\x03\x04")]
    yield "truncated", "is refused", [make_gif()[:-1]]
    yield "no-image", "is refused", [make_gif(GIF_LOOP)]
    yield "unknown-block", "is refused", [make_gif(b"\0", GIF_IMAGE)]
    yield "code-size", "is refused", [make_gif(GIF_IMAGE[:10] + b"\x0c\0")]
    yield "long-control", "is refused", [make_gif(extension(0xF9, bytes(5)), GIF_IMAGE)]


def list_others() -> Iterator[Case]:
    """List the cases of detection."""
    yield "empty", "no bytes", []
    yield "zeros", "no format", [(b"\0", 1000)]
    yield "text", "no format", [b"just text"]
    yield "gif-of-another-year", "no format", [b"GIF90a"]
    yield "png-damaged-by-mail", "the whole signature", [b"\x89PNG\n\x1a\n", make_png()[8:]]
    yield "jpeg-start-alone", "the whole signature", [b"\xff\xd8"]
    yield "jpeg-and-zip", "a polyglot loses its other half", [make_jpeg(), b"PK\x03\x04zip"]


def make_vector(case: Case) -> dict[str, Any]:
    """
    Make a vector by cleaning.

    Args:
        case: Name, rule and parts.

    Returns:
        As it is committed.
    """
    name, rule, parts = case
    pairs = [(part, 1) if isinstance(part, bytes) else part for part in parts]
    data = b"".join(part * times for part, times in pairs)
    vector: dict[str, Any] = {
        "name": name,
        "rule": rule,
        "input": [
            {"hex": part.hex()} if times == 1 else {"hex": part.hex(), "times": times}
            for part, times in pairs
        ],
    }
    out = io.BytesIO()
    try:
        plan = plan_cleaning(io.BytesIO(data))
    except RefusedError as exc:
        return {**vector, "refused": exc.reason}
    write_cleaned(plan, io.BytesIO(data), out)
    length, digest = digest_cleaned(out.getvalue())
    return {
        **vector,
        "format": plan.format,
        "kinds": list(plan.kinds),
        "output_len": length,
        "output_sha256": digest,
    }


def main() -> None:
    """Write the files."""
    groups = {
        "jpeg": list_jpegs(),
        "png": list_pngs(),
        "webp": list_webps(),
        "gif": list_gifs(),
        "tiff": list_tiffs(),
        "picture": list_picture_borders(),
        "profile": list_profiles(),
        "ogg": list_oggs(),
        "flac": list_flacs(),
        "wav": list_wavs(),
        "mp3": list_mp3s(),
        "film": list_films(),
        "matroska": list_matroskas(),
        "heif": list_heifs(),
        "document": list_documents(),
        "drawing": list_drawings(),
        "inside": list_files_inside(),
        "sheet": list_sheets(),
        "opendocument": list_open_documents(),
        "pdf": [*list_pdfs(), *list_pdf_files(), *list_pdf_forms()],
        "pdf_locks": list_pdf_locks(),
        "pdf_parts": [*list_pdf_parts()],
        "text": list_texts(),
        "detection": list_others(),
    }
    for name, cases in groups.items():
        vectors = [make_vector(case) for case in cases]
        (FOLDER / f"{name}.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
