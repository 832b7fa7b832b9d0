"""Files of strangers as pixels, through the real sandbox."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pillow_heif
import pytest
from PIL import Image

from tests.pictures import make_exif, make_jpeg, segment
from tipline.desk.viewing import MAX_TEXT_BYTES, View, view_file
from tipline.rendering.answers import MAX_PAGE_PIXELS, MAX_PAGES, Failure

pillow_heif.register_heif_opener()

DOCUMENT = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    '<w:p><w:r><w:t>under the bridge</w:t></w:r></w:p><w:p><w:r><w:br w:type="page"/>'
    "<w:t>two</w:t></w:r></w:p>"
    "</w:body></w:document>"
)
DOCX = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.wordprocessingml.document.main+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="a" Target="word/document.xml" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/officeDocument"/></Relationships>'
    ),
    "word/document.xml": DOCUMENT,
}


def view(directory: Path, data: bytes, *, first: int = 1) -> View:
    """Show a file of these bytes."""
    shown = directory / "shown"
    shown.write_bytes(data)
    return view_file(shown, directory / "out", first=first)


def make_picture(size: tuple[int, int] = (5, 3)) -> Image.Image:
    """A picture in which every pixel is another one."""
    picture = Image.new("RGB", size)
    picture.putdata([(30 * x, 40 * y, 200) for y in range(size[1]) for x in range(size[0])])
    return picture


def save(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read_page(path: Path) -> Image.Image:
    with Image.open(path, formats=["PNG"]) as image:
        return image.copy()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "HEIF", "AVIF"])
def test_image_when_shown_then_its_pixels_are_those_of_the_decoder(
    tmp_path: Path, kind: str
) -> None:
    """What a person sees is what is in the file."""
    data = save(make_picture((32, 16)), kind)
    seen = view(tmp_path, data)
    assert (seen.is_whole, len(seen.pages)) == (True, 1)
    with Image.open(io.BytesIO(data)) as image:
        assert read_page(seen.pages[0]).tobytes() == image.convert("RGB").tobytes()


def test_image_when_it_says_how_it_is_held_then_it_stands_upright(tmp_path: Path) -> None:
    """A photo that was taken sideways is shown as it was seen."""
    turned = segment(0xE1, b"Exif\0\0" + make_exif([(0x0112, 3, 1, b"\0\x06\0\0")]))
    data = save(make_picture((16, 8)), "JPEG")
    seen = view(tmp_path, data[:2] + turned + data[2:])
    assert read_page(seen.pages[0]).size == (8, 16)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_image_when_of_another_kind_of_colour_then_it_is_shown(tmp_path: Path, mode: str) -> None:
    """Grey, transparent, deep and printed colours become the ones of a screen."""
    picture = Image.new("L", (4, 4), 255).convert("I;16" if mode == "I;16" else "L")
    picture = picture if mode == "I;16" else picture.convert(mode)
    seen = view(tmp_path, save(picture, "TIFF" if mode == "CMYK" else "PNG"))
    assert seen.is_whole
    if mode not in ("I;16", "CMYK"):
        assert read_page(seen.pages[0]).getpixel((0, 0)) == (255, 255, 255)


def test_image_when_transparent_then_it_is_shown_on_white(tmp_path: Path) -> None:
    """Nothing hides behind no colour: it is white, whatever lies under it."""
    seen = view(tmp_path, save(Image.new("RGBA", (2, 2), (0, 0, 0, 0)), "PNG"))
    assert read_page(seen.pages[0]).getpixel((0, 0)) == (255, 255, 255)


def test_image_when_it_moves_then_each_picture_is_a_page(tmp_path: Path) -> None:
    """An animation is looked at picture by picture."""
    pictures = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    data = save(pictures[0], "WEBP", save_all=True, append_images=pictures[1:], lossless=True)
    seen = view(tmp_path, data, first=2)
    assert [path.name for path in seen.pages] == ["page-002.png", "page-003.png"]
    assert [read_page(path).getpixel((0, 0)) for path in seen.pages] == [(0, 128, 0), (0, 0, 255)]
    assert seen.is_whole


def test_image_when_larger_than_a_page_then_it_is_made_smaller(tmp_path: Path) -> None:
    """Forty-nine megapixels are shown as forty, in their proportion."""
    seen = view(tmp_path, save(Image.new("L", (7000, 7000)), "PNG"))
    width, height = read_page(seen.pages[0]).size
    assert width == height
    assert width * height <= MAX_PAGE_PIXELS < (width + 2) * (height + 2)


def test_image_when_it_says_that_it_is_huge_then_it_is_not_decoded(tmp_path: Path) -> None:
    """A bomb of ten gigapixels in a hundred bytes is refused by its size."""
    data = bytearray(save(make_picture(), "PNG"))
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    from zlib import crc32

    data[29:33] = crc32(data[12:29]).to_bytes(4, "big")
    assert view(tmp_path, bytes(data)).failure == Failure.TOO_LARGE


def test_image_when_damaged_then_the_page_is_named_as_broken(tmp_path: Path) -> None:
    """A picture that ends early is not passed off as a whole one."""
    data = save(make_picture((64, 64)), "PNG")
    seen = view(tmp_path, data[:60])
    assert (seen.pages, seen.broken_len, seen.is_whole) == ((), 1, False)


def make_pdf(count: int, *, size: int = 72, **options: object) -> bytes:
    """A document of blank pages."""
    document = pikepdf.new()
    for _ in range(count):
        document.add_blank_page(page_size=(size, size))
    file = io.BytesIO()
    document.save(file, **options)
    return file.getvalue()


def test_document_when_shown_then_each_page_is_a_picture(tmp_path: Path) -> None:
    """An inch is 150 pixels, so that small print can be read."""
    seen = view(tmp_path, make_pdf(3))
    assert [path.name for path in seen.pages] == [f"page-00{n}.png" for n in (1, 2, 3)]
    assert {read_page(path).size for path in seen.pages} == {(150, 150)}
    assert (seen.is_whole, seen.total_len) == (True, 3)


def test_document_when_it_shows_a_picture_then_its_colours_are_right(tmp_path: Path) -> None:
    """Red is red and not blue, and stands where it stood."""
    seen = view(tmp_path, save(Image.new("RGB", (50, 20), (250, 10, 20)), "PDF", resolution=72))
    page = read_page(seen.pages[0])
    red, green, blue = page.getpixel((page.width // 2, page.height // 2))
    assert red > 200
    assert max(green, blue) < 60


def test_document_when_longer_than_the_bound_then_it_is_shown_in_parts(tmp_path: Path) -> None:
    """Two hundred pages at once; the rest from the page that is asked for."""
    data = make_pdf(MAX_PAGES + 1, size=5)
    seen = view(tmp_path, data)
    assert (len(seen.pages), seen.total_len, seen.is_whole) == (MAX_PAGES, MAX_PAGES + 1, False)
    rest = view(tmp_path, data, first=MAX_PAGES + 1)
    assert ([path.name for path in rest.pages], rest.is_whole) == (["page-201.png"], True)


def test_document_when_it_needs_a_password_then_it_says_so(tmp_path: Path) -> None:
    """An encrypted document is not called damaged."""
    locked = make_pdf(1, encryption=pikepdf.Encryption(owner="a", user="b"))
    assert view(tmp_path, locked).failure == Failure.ENCRYPTED


def test_document_when_damaged_then_it_says_so(tmp_path: Path) -> None:
    """What only begins like a document is not shown."""
    assert view(tmp_path, b"%PDF-1.7\nnothing more").failure == Failure.UNREADABLE


def test_document_when_its_page_is_a_mile_wide_then_it_is_made_smaller(tmp_path: Path) -> None:
    """A page of any size becomes a picture that fits."""
    seen = view(tmp_path, make_pdf(1, size=14_400))
    width, height = read_page(seen.pages[0]).size
    assert width * height <= MAX_PAGE_PIXELS


def make_docx() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in DOCX.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "pages"), [(make_docx, 2), (lambda: b"{\\rtf1 under the bridge}", 1)]
)
def test_office_document_when_shown_then_its_pages_are_pictures(
    tmp_path: Path, make: Callable[[], bytes], pages: int
) -> None:
    """LibreOffice lays it out, in the same sandbox; ink is seen on the first page."""
    seen = view(tmp_path, make())
    assert (seen.is_whole, len(seen.pages)) == (True, pages)
    assert min(read_page(seen.pages[0]).convert("L").tobytes()) < 100


def test_office_document_when_damaged_then_it_says_so(tmp_path: Path) -> None:
    """A zip that is no document is not shown."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "b")
    assert view(tmp_path, file.getvalue()).pages == ()


def test_office_document_when_its_words_swell_then_it_is_given_up(tmp_path: Path) -> None:
    """A thousand million words out of a few lines stay within the bounds."""
    swelling = "".join(
        f'<!ENTITY {chr(98 + step)} "{f"&{chr(97 + step)};" * 10}">' for step in range(9)
    )
    words = f'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">{swelling}]>'
    file = io.BytesIO()
    parts = DOCX | {"word/document.xml": words + DOCUMENT.replace("under", "&j;")}
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    assert view(tmp_path, file.getvalue()).pages == ()


TEXTS = {
    "plain": (b"one\n\ttwo\n", "one\n\ttwo\n"),
    "control": (b"look\x1b[2J\xe2\x80\xaefdp.exe", "look\\u{1b}[2J\\u{202e}fdp.exe"),
    "mark": (b"\xef\xbb\xbfma\xc3\xb1ana", "mañana"),
    "utf-16": ("\ufeffmañana".encode("utf-16-le"), "mañana"),
    "windows": (b"ma\xf1ana; \x80 5", "mañana; € 5"),
    "formula": (b'=HYPERLINK("http://x")', '=HYPERLINK("http://x")'),
}


@pytest.mark.parametrize(("data", "text"), TEXTS.values(), ids=TEXTS.keys())
def test_text_when_shown_then_what_would_be_obeyed_is_written_out(
    tmp_path: Path, data: bytes, text: str
) -> None:
    """A text stays a text, in UTF-8, and nothing in it moves a cursor."""
    seen = view(tmp_path, data)
    assert [path.name for path in seen.pages] == ["page-001.txt"]
    assert seen.pages[0].read_text() == text
    assert seen.is_whole


@pytest.mark.parametrize("data", [b"", b"a\0b", bytes(100), bytes(MAX_TEXT_BYTES + 1)])
def test_text_when_it_is_none_then_it_is_not_shown(tmp_path: Path, data: bytes) -> None:
    """Bytes that nobody wrote as text, or that nobody can read to the end, are not guessed at."""
    seen = view(tmp_path, data)
    assert (seen.pages, seen.failure) == ((), Failure.UNKNOWN)


@pytest.mark.parametrize("mark", [b"", b"\xff\xfe"])
def test_text_when_it_is_too_long_then_that_is_the_reason(tmp_path: Path, mark: bytes) -> None:
    """A long list is not passed off as no text at all."""
    seen = view(tmp_path, mark + b"a" * MAX_TEXT_BYTES + b"a")
    assert (seen.pages, seen.failure) == ((), Failure.TOO_LARGE)


def test_page_when_a_hidden_word_stands_in_the_file_then_it_does_not_come_out(
    tmp_path: Path,
) -> None:
    """What comes out has the pixels, and nothing that the file says besides."""
    data = make_jpeg(segment(0xFE, b"my own name"))
    seen = view(tmp_path, data)
    assert b"my own name" in data
    assert b"my own name" not in seen.pages[0].read_bytes()
    assert seen.pages[0].stat().st_mode & 0o777 == 0o600


def test_view_when_there_is_no_more_room_then_the_pages_before_stay(tmp_path: Path) -> None:
    """The page that fills it is the last; of the next file nothing is opened."""
    pictures = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    data = save(pictures[0], "WEBP", save_all=True, append_images=pictures[1:], lossless=True)
    shown = tmp_path / "shown"
    shown.write_bytes(data)
    whole = view_file(shown, tmp_path / "whole")

    room_bytes = whole.pages[0].stat().st_size + 1
    seen = view_file(shown, tmp_path / "some", left_bytes=room_bytes)

    assert whole.written_bytes == sum(path.stat().st_size for path in whole.pages)
    assert (len(seen.pages), seen.failure, seen.is_whole) == (2, Failure.NO_ROOM, False)
    after = view_file(shown, tmp_path / "none", left_bytes=room_bytes - seen.written_bytes)
    assert (after.pages, after.failure) == ((), Failure.NO_ROOM)
    assert not (tmp_path / "none").exists()


def test_view_when_a_page_is_broken_then_it_is_not_whole_whatever_the_sandbox_counts() -> None:
    """One that is taken over may count so that it looks right."""
    view = View(pages=(Path("page-002.png"),), total_len=1, broken_len=1)

    assert not view.is_whole
