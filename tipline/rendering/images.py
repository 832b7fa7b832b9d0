"""Images as pixels, by Pillow; HEIC by pillow-heif. One page for each picture of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from tipline.rendering.answers import (
    BROKEN_PAGE,
    COUNT,
    END,
    MAX_PAGE_PIXELS,
    MAX_PAGES,
    MAX_SIDE,
    MAX_TOTAL_PIXELS,
    FailedError,
    Failure,
    Output,
    format_page_head,
)

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "HEIF", "AVIF")
MAX_DECODED_PIXELS: Final = 150_000_000  # phones go up to 200 million, cameras to 102
_DEEP_MODES: Final = ("I;16", "I;16L", "I;16B", "I")
_WHITE: Final = (255, 255, 255, 255)


def prepare() -> None:
    """Load every decoder, as long as anything can be loaded."""
    # One thread: what a decoder uses up is bounded for the process.
    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.register_heif_opener()
    Image.init()
    # Our own bound stands below: this one warns only.
    Image.MAX_IMAGE_PIXELS = None


def write_images(untrusted: BinaryIO, output: Output, *, first: int) -> None:
    """
    Answer with the pictures of a file.

    Args:
        untrusted: Can be sought in.
        output: Takes the answer.
        first: The picture to begin with, from 1.

    Raises:
        FailedError: it is no image that is known, or cannot be read.
    """
    try:
        image = Image.open(untrusted, formats=FORMATS)
    except UnidentifiedImageError as exc:
        raise FailedError(Failure.UNKNOWN) from exc
    except (OSError, SyntaxError, ValueError) as exc:
        raise FailedError(Failure.UNREADABLE) from exc
    total = getattr(image, "n_frames", 1)
    left_pixels = MAX_TOTAL_PIXELS
    for picture in _list_pictures(image, range(first - 1, min(total, first - 1 + MAX_PAGES))):
        if picture is None:
            output.write(BROKEN_PAGE)
            continue
        left_pixels -= picture.width * picture.height
        if left_pixels < 0:
            break
        output.write(format_page_head(picture.width, picture.height))
        output.write(picture.tobytes())
    output.write(END + COUNT.pack(total))


def _list_pictures(image: Image.Image, numbers: range) -> Iterator[Image.Image | None]:
    for number in numbers:
        if image.width * image.height > MAX_DECODED_PIXELS:
            raise FailedError(Failure.TOO_LARGE)
        try:
            image.seek(number)
            picture = _flatten(ImageOps.exif_transpose(image))
        except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError, IndexError):
            # What Pillow raises for damaged files; the next picture may be whole.
            picture = None
        yield picture


def _flatten(image: Image.Image) -> Image.Image:
    """Make red, green and blue of any picture, on white, and no larger than a page."""
    if image.mode in _DEEP_MODES:
        image = image.point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, _WHITE)
        image = Image.alpha_composite(ground, image)
    image = image.convert("RGB")
    width, height = fit(image.width, image.height)
    return image if (width, height) == image.size else image.resize((width, height))


def fit(width: float, height: float) -> tuple[int, int]:
    """
    Make measures fit on a page, in their proportion.

    Args:
        width: In pixels.
        height: In pixels.

    Returns:
        Both, within the bounds of a page, and at least 1.
    """
    shrink = min(
        1.0, MAX_SIDE / width, MAX_SIDE / height, (MAX_PAGE_PIXELS / (width * height)) ** 0.5
    )
    return max(1, int(width * shrink)), max(1, int(height * shrink))
