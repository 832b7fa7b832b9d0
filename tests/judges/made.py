"""Pictures that tell on whoever made them: made by Pillow, labelled by exiftool as by a camera."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms

from tests.pdfs import make_page, make_pdf, make_stream

# Of nobody: what is looked for afterwards is written here and nowhere else.
LABELS: Final = (
    "-EXIF:Make=Lumenwerk",
    "-EXIF:Model=Pocketeye 7",
    "-EXIF:Software=Darkroom-on-a-Phone 4.2",
    "-EXIF:Artist=Benita Sandoval-Quiroga",
    "-EXIF:Copyright=Sandoval-Quiroga 2026",
    "-EXIF:SerialNumber=PE7-00418823",
    "-EXIF:LensModel=Pocketeye wide 4.25mm",
    "-EXIF:OwnerName=Benita Sandoval-Quiroga",
    "-EXIF:DateTimeOriginal=2026:03:04 05:06:07",
    "-EXIF:SubSecTimeOriginal=123456",
    "-EXIF:OffsetTimeOriginal=-06:00",
    "-EXIF:UserComment=seen at the depot",
    "-EXIF:ImageUniqueID=4bf1e0a8c9d2437fb6a15d0e8c7a3b21",
    "-EXIF:GPSLatitude=19.4326077",
    "-EXIF:GPSLatitudeRef=N",
    "-EXIF:GPSLongitude=99.1332080",
    "-EXIF:GPSLongitudeRef=W",
    "-EXIF:GPSDateStamp=2026:03:04",
    "-EXIF:GPSProcessingMethod=CELLID-BASED",
    "-XMP-dc:Creator=Benita Sandoval-Quiroga",
    "-XMP-dc:Description=handed over at night",
    "-XMP-xmp:CreatorTool=Darkroom-on-a-Phone 4.2",
    "-XMP-xmpMM:DocumentID=xmp.did:4bf1e0a8-c9d2-437f",
    "-XMP-xmpMM:InstanceID=xmp.iid:77aa01c3-0d11-4e2f",
    "-XMP-photoshop:City=Tlalnepantla",
    "-XMP-exif:GPSLatitude=19,25.956462N",
)
JPEG_LABELS: Final = (
    "-IPTC:By-line=Benita Sandoval-Quiroga",
    "-IPTC:City=Tlalnepantla",
    "-IPTC:Caption-Abstract=handed over at night",
    "-IPTC:DateCreated=2026:03:04",
    "-Comment=from the depot's phone",
)
PNG_LABELS: Final = (
    "-PNG:Author=Benita Sandoval-Quiroga",
    "-PNG:Comment=from the depot's phone",
    "-PNG:ModifyDate=2026:03:04 05:06:07",
    "-PNG:PixelsPerUnitX=5669",
)
TIFF_LABELS: Final = (
    "-IPTC:By-line=Benita Sandoval-Quiroga",
    "-IPTC:City=Tlalnepantla",
    "-EXIF:DocumentName=from the depot's phone",
    "-EXIF:HostComputer=benitas-laptop",
    "-EXIF:ModifyDate=2026:03:04 05:06:07",
)
GIF_LABELS: Final = (
    "-XMP-tiff:Make=Lumenwerk",
    "-XMP-aux:SerialNumber=PE7-00418823",
    "-XMP-exif:DateTimeOriginal=2026:03:04 05:06:07",
)
PDF_LABELS: Final = (
    "-PDF:Author=Benita Sandoval-Quiroga",
    "-PDF:Title=handed over at night",
    "-PDF:Creator=Darkroom-on-a-Phone 4.2",
    "-PDF:CreateDate=2026:03:04 05:06:07-06:00",
    "-XMP-dc:Creator=Benita Sandoval-Quiroga",
    "-XMP-xmpMM:DocumentID=xmp.did:4bf1e0a8-c9d2-437f",
    "-XMP-photoshop:City=Tlalnepantla",
    "-XMP-exif:GPSLatitude=19,25.956462N",
)
PHONE: Final = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"Benita's film of the depot" * 40


def make_all(folder: Path) -> list[Path]:
    """
    Make the pictures.

    Args:
        folder: Empty.

    Returns:
        The files.
    """
    rgb = _make_gradient()
    translucent = rgb.convert("RGBA")
    translucent.putalpha(rgb.convert("L"))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    thumbnail = folder.parent / "thumbnail.jpg"
    rgb.resize((16, 12)).save(thumbnail, "JPEG")
    jpegs = {
        "baseline": (rgb, {"icc_profile": profile, "dpi": (300, 300)}),
        "progressive": (rgb, {"progressive": True, "subsampling": 2}),
        "restarts": (rgb, {"restart_marker_blocks": 3}),
        "grey": (rgb.convert("L"), {}),
        "cmyk": (rgb.convert("CMYK"), {}),
        "kept-rgb": (rgb, {"keep_rgb": True}),
    }
    made = []
    for name, (image, options) in jpegs.items():
        path = folder / f"{name}.jpg"
        image.save(path, "JPEG", quality=90, **options)
        made.append(path)
    turned = ("-EXIF:Orientation#=6", f"-ThumbnailImage<={thumbnail}")
    _label(made, (*LABELS, *JPEG_LABELS, *turned))
    with (folder / "baseline.jpg").open("ab") as file:
        file.write(PHONE)
    pngs = {
        "rgb": (rgb, {"icc_profile": profile, "dpi": (144, 144)}),
        "alpha": (translucent, {}),
        "grey": (rgb.convert("L"), {}),
        "bits": (rgb.convert("1"), {}),
        "palette": (rgb.quantize(16), {"transparency": 3}),
        "sixteen": (rgb.convert("L").convert("I;16"), {}),
        "animated": (rgb, {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}),
    }
    for name, (image, options) in pngs.items():
        path = folder / f"{name}.png"
        image.save(path, "PNG", **options)
        made.append(path)
    _label(made[len(jpegs) :], (*LABELS, *PNG_LABELS, "-EXIF:Orientation#=3"))
    with (folder / "rgb.png").open("ab") as file:
        file.write(PHONE)
    webps = {
        "lossy": (rgb, {"icc_profile": profile}),
        "lossless": (rgb, {"lossless": True}),
        "transparent": (translucent, {}),
        "moving": (rgb, {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}),
    }
    for name, (image, options) in webps.items():
        path = folder / f"{name}.webp"
        image.save(path, "WEBP", **options)
        made.append(path)
    _label(made[-len(webps) :], (*LABELS, "-EXIF:Orientation#=8"))
    gifs = {
        "still": (rgb, {"comment": b"from the depot's phone"}),
        "running": (rgb, {"save_all": True, "append_images": [rgb.rotate(90)], "loop": 0}),
    }
    for name, (image, options) in gifs.items():
        path = folder / f"{name}.gif"
        image.save(path, "GIF", **options)
        made.append(path)
    _label(made[-len(gifs) :], (*LABELS, *GIF_LABELS))
    tiffs = {
        "plain": (rgb, {"icc_profile": profile, "dpi": (300, 300)}),
        "packed": (translucent, {"compression": "tiff_lzw"}),
        "in-jpeg": (rgb, {"compression": "jpeg"}),
        "fax": (rgb.convert("1"), {"compression": "group4"}),
        "colours": (rgb.quantize(16), {}),
        "deep": (rgb.convert("I").convert("I;16"), {}),
        "scan": (rgb, {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}),
    }
    for name, (image, options) in tiffs.items():
        path = folder / f"{name}.tiff"
        image.save(path, "TIFF", **options)
        made.append(path)
    _label(made[-len(tiffs) :], (*LABELS, *TIFF_LABELS, "-EXIF:Orientation#=6"))
    made.append(_make_pdf(folder))
    disguised = folder / "a-jpeg-called.png"
    disguised.write_bytes((folder / "baseline.jpg").read_bytes())
    return [*made, disguised]


def _make_pdf(folder: Path) -> Path:
    """Make a page with a photo that tells, as an office or a scanner makes it."""
    photo = (folder / "baseline.jpg").read_bytes()
    image = b"/Subtype /Image /Width 48 /Height 36 /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    path = folder / "page.pdf"
    path.write_bytes(
        make_pdf(
            {
                3: make_page(
                    b"/Annots [<< /Subtype /Text /Rect [0 0 9 9] /T (Benita Sandoval-Quiroga)"
                    b" /Contents (from the depot's phone) /AP << /N 6 0 R >> >>]",
                    resources=b"/XObject << /Photo 5 0 R >>",
                ),
                4: make_stream(b"90 0 0 90 5 5 cm /Photo Do"),
                5: make_stream(photo, image + b" /Filter /DCTDecode"),
                6: make_stream(b"1 0 0 rg 0 0 9 9 re f", b"/Subtype /Form /BBox [0 0 9 9]"),
            }
        )
    )
    _label([path], (*PDF_LABELS, *GIF_LABELS))
    return path


def _make_gradient() -> Image.Image:
    size = (48, 36)
    pixels = bytes(
        value % 256
        for y in range(size[1])
        for x in range(size[0])
        for value in (5 * x, 7 * y, 3 * x + 4 * y)
    )
    return Image.frombytes("RGB", size, pixels)


def _label(paths: list[Path], labels: tuple[str, ...]) -> None:
    command = ["exiftool", "-q", "-m", "-overwrite_original", *labels]
    subprocess.run([*command, *map(str, paths)], check=True)
