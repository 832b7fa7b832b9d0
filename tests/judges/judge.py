"""
Two judges of a cleaned file, which know nothing of how it was cleaned, and one of its pixels.

1. exiftool names every tag it finds. All must stand in `STRUCTURAL`, the written list of what a
   decoder needs to know, with the values that are the same for everybody where there are such.
2. Every value that the tags of the original held is looked for in the cleaned file's bytes.
3. Pillow opens both: the same size, frames, pixels and orientation. Films are decoded by ffmpeg,
   HEIC by libheif (`films.py`); PDF is drawn by pdfium
   (`pages.py`), and a value that can be read on a page is no finding.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageSequence
from PIL.TiffImagePlugin import TiffImageFile

from tests.judges import documents, films, matroskas, profiles, sounds
from tests.judges.pages import read_pages, read_text

ASK: Final = ("exiftool", "-a", "-U", "-G1", "-ee", "-j", "-struct", "-api", "LargeFileSupport=1")
PDF: Final = b"%PDF-"
SHORTEST_VALUE_BYTES: Final = 5  # of which one in a million files of a megabyte holds by chance

# By group, tags that may be left: they say how to decode, or are the file system's.
_FREE: Final[Mapping[str, str]] = {
    "ExifTool": "ExifToolVersion",
    "System": "FileName Directory FileSize FileModifyDate FileAccessDate FileInodeChangeDate"
    " FilePermissions",
    "File": "FileType FileTypeExtension MIMEType ImageWidth ImageHeight EncodingProcess"
    " BitsPerSample ColorComponents YCbCrSubSampling MIMEEncoding Newlines LineCount WordCount",
    "Composite": "ImageSize Megapixels",
    "IFD0": "Orientation",
    "Adobe": "ColorTransform",
    "PNG": "ImageWidth ImageHeight BitDepth ColorType Compression Filter Interlace Palette"
    " Transparency Gamma SRGBRendering AnimationFrames AnimationPlays ColorPrimaries"
    " TransferCharacteristics MatrixCoefficients VideoFullRangeFlag WhitePointX WhitePointY"
    " RedX RedY GreenX GreenY BlueX BlueY",
    "RIFF": "ImageWidth ImageHeight WebP_Flags VP8Version HorizontalScale VerticalScale"
    " AlphaPreprocessing AlphaFiltering AlphaCompression BackgroundColor AnimationLoopCount"
    " FrameCount Duration AlphaIsUsed",
    "GIF": "GIFVersion ImageWidth ImageHeight HasColorMap ColorResolutionDepth BitsPerPixel"
    " BackgroundColor AnimationIterations FrameCount Duration TransparentColor",
    "PDF": "PDFVersion Linearized PageCount",
    "PNG-cHRM": "WhitePointX WhitePointY RedX RedY GreenX GreenY BlueX BlueY",
}
# Tags that may be left if they have the one value that is the same for everybody.
_FIXED: Final[Mapping[str, str]] = {
    "File:ExifByteOrder": "Big-endian (Motorola, MM)",
    "JFIF:JFIFVersion": "1.01",
    "JFIF:ResolutionUnit": "None",
    "JFIF:XResolution": "1",
    "JFIF:YResolution": "1",
    "Adobe:DCTEncodeVersion": "100",
    "Adobe:APP14Flags0": "(none)",
    "Adobe:APP14Flags1": "(none)",
}
# What a PDF is written with itself, and what tags hold of its language.
_PDF_WORDS: Final = frozenset(
    {"DCTDecode", "FlateDecode", "JPXDecode", "CCITTFaxDecode", "Device", "DeviceRGB", "DeviceGray",
     "DeviceCMYK", "Color", "source", "version", "Length", "Length1", "0 0 0", "Filter", "Subtype"}
)  # fmt: skip
STRUCTURAL: Final[Mapping[str, str | None]] = {
    "SourceFile": None,
    **{f"{group}:{tag}": None for group, tags in _FREE.items() for tag in tags.split()},
    **_FIXED,
    **profiles.FIXED,
    **{f"{group}:{tag}": None for group, tags in films.FREE.items() for tag in tags.split()},
    **films.FIXED,
    **{f"{group}:{tag}": None for group, tags in matroskas.FREE.items() for tag in tags.split()},
    **matroskas.FIXED,
    **{f"{group}:{tag}": None for group, tags in documents.FREE.items() for tag in tags.split()},
    **documents.FIXED,
    **{f"{group}:{tag}": None for group, tags in sounds.FREE.items() for tag in tags.split()},
    **sounds.FIXED,
}

# In a TIFF alone, where a page is a directory of such tags.
_PAGE: Final = (
    "Orientation ImageWidth ImageHeight BitsPerSample Compression PhotometricInterpretation"
    " FillOrder StripOffsets StripByteCounts RowsPerStrip TileWidth TileLength TileOffsets"
    " TileByteCounts SamplesPerPixel PlanarConfiguration Predictor ColorMap ExtraSamples"
    " SampleFormat T4Options T6Options InkSet YCbCrCoefficients YCbCrSubSampling YCbCrPositioning"
    " ReferenceBlackWhite JPEGTables SubfileType"
)


def read_tags(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """
    Ask exiftool for every tag of some files.

    Args:
        paths: At least one.

    Returns:
        For each file, in order, its tags by group and name.
    """
    done = subprocess.run([*ASK, *map(str, paths)], capture_output=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    by_path = {tags["SourceFile"]: tags for tags in found}
    return [by_path[str(path)] for path in paths]


def find_residues(tags: Mapping[str, Any]) -> dict[str, Any]:
    """
    Find what is left.

    Args:
        tags: As exiftool read them.

    Returns:
        Those that are not structural.
    """
    is_tiff = tags.get("File:FileType") == "TIFF"
    return {
        name: value
        for name, value in tags.items()
        if (
            (known := _simplify(name)) not in STRUCTURAL
            or STRUCTURAL[known] not in (None, str(value))
        )
        and not (is_tiff and _is_of_page(name))
    }


def _is_of_page(name: str) -> bool:
    """Tell whether a tag of a TIFF says how to decode a page, or how many there are."""
    group, _, tag = name.partition(":")
    if group == "File":
        return tag in ("ExifByteOrder", "PageCount")
    return bool(re.fullmatch(r"IFD\d+", group)) and tag in _PAGE.split()


def _simplify(name: str) -> str:
    """Take the number out of a track's name, and out of a tag that only has its place for one."""
    return re.sub(
        r"^Track\d+:|(?<!Matroska)_0x[0-9a-f]{4}$",
        lambda found: "Track:" * (found[0][0] == "T"),
        name,
    )


def find_survivors(original: Mapping[str, Any], cleaned: bytes) -> set[str]:
    """
    Find values of the original in the bytes of the cleaned file.

    Args:
        original: The original's tags.
        cleaned: The cleaned file.

    Returns:
        Those that are still there.
    """
    haystack = cleaned + b"\n" + b"\n".join(_inflate(cleaned))
    seen, words = (read_text(cleaned), _PDF_WORDS) if cleaned.startswith(PDF) else ("", ())
    return {
        value
        for value in _list_values(find_residues(original))
        if value not in seen
        and value not in words
        and (
            any(value.encode(code, "ignore") in haystack for code in ("utf-8", "utf-16-le"))
            or value.encode("latin-1", "replace") in haystack
        )
    }


def _list_values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _list_values(part)
    elif isinstance(value, list):
        for part in value:
            yield from _list_values(part)
    elif len(text := str(value).strip()) >= SHORTEST_VALUE_BYTES and "use -b option" not in text:
        yield text
        yield from (word for word in re.split(r"[\s,;]+", text) if len(word) > SHORTEST_VALUE_BYTES)


def _inflate(data: bytes) -> Iterator[bytes]:
    """Inflate whatever begins like a zlib stream."""
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        inflater = zlib.decompressobj()
        try:
            yield inflater.decompress(data[match.start() :], 1024 * 1024)
        except zlib.error:
            continue


def read_pixels(data: bytes) -> list[tuple[object, ...]]:
    """
    Decode a picture.

    Args:
        data: A whole file.

    Returns:
        For each frame its size, mode and pixels, and the orientation in front of all.

    Raises:
        OSError: it does not open.
    """
    if data.startswith(PDF):
        return read_pages(data)
    if films.is_heif(data):
        return [films.decode_heif(data)]
    if films.is_film(data) or matroskas.is_matroska(data):
        return [films.decode_film(data)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metadata that is broken in the original
        with Image.open(io.BytesIO(data)) as image:
            frames = (
                [
                    (frame.size, frame.mode, frame.convert("RGBA").tobytes())
                    for frame in ImageSequence.Iterator(image)
                ]
                if image.format in ("GIF", "PNG", "WEBP")
                else [
                    (frame.size, frame.mode, frame.tobytes())
                    for frame in ImageSequence.Iterator(image)
                    if not frame.tag_v2.get(254, 0) & 1  # a smaller one, which goes
                ]
                if isinstance(image, TiffImageFile)
                else [(image.size, image.mode, image.tobytes())]
            )
            orientation = image.getexif().get(0x0112, 1)
    return [(orientation if orientation in range(1, 9) else 1,), *frames]
