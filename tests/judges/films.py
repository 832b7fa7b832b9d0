"""
Films, voice notes and HEICs before the judges: what may be left in them, and what they show.

ffmpeg decodes films, libheif pictures: the original and the cleaned file must give the same.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pillow_heif
from PIL import Image

# By group ("Track" for each of them), tags that may be left: they say how to decode.
FREE: Final[Mapping[str, str]] = {
    "Composite": "AvgBitrate Rotation",
    "Meta": "PrimaryItemReference",
    "QuickTime": "AV1ConfigurationVersion AverageFrameRate BitDepthChroma BitDepthLuma ChromaFormat"
    " ChromaSamplePosition ColorPrimaries ColorProfiles CompatibleBrands ConstantFrameRate"
    " ConstraintIndicatorFlags Duration GenProfileCompatibilityFlags GeneralLevelIDC"
    " GeneralProfileIDC GeneralProfileSpace GeneralTierFlag HEVCConfigurationVersion HandlerType"
    " ImagePixelDepth ImageSpatialExtent InitialDelaySamples MajorBrand MatrixCoefficients"
    " MatrixStructure MediaData MediaDataOffset MediaDataSize MinSpatialSegmentationIDC"
    " MinorVersion MovieHeaderVersion NextTrackID NumTemporalLayers ParallelismType PreferredRate"
    " PreferredVolume QuickTime_ColorRep QuickTime_HEVCConfig Rotation SeqProfile SeqTier0"
    " QuickTime_AV1Config Unknown_clli"
    " TemporalIDNested TimeScale TransferCharacteristics AuxiliaryImageType CleanAperture"
    " VideoFullRangeFlag PixelAspectRatio ImageRotation Mirroring",
    "Track": "AVCConfiguration AudioBitsPerSample AudioChannelTypes AudioChannels AudioFormat"
    " AudioSampleRate Balance BitDepth ChunkOffset CleanAperture ColorPrimaries ColorProfiles"
    " CompositionTimeToSample CompressorID EncoderVersion Endianness GraphicsMode HandlerClass"
    " HandlerType ImageHeight ImageWidth LayoutFlags MatrixCoefficients MatrixStructure"
    " MediaDuration MediaHeaderVersion MediaTimeScale NumChannelDescriptions OpColor"
    " PixelAspectRatio PurchaseFileFormat QuickTime_ChannelLayout QuickTime_ColorRep SampleSizes"
    " SampleToChunk SourceImageHeight SourceImageWidth SyncSampleTable TimeToSampleTable"
    " TrackDuration TrackHeaderVersion TrackID TrackLayer TrackVolume TransferCharacteristics"
    " Unknown_alac Unknown_av1C Unknown_d263 Unknown_dOps Unknown_dac3 Unknown_dec3 Unknown_dfLa"
    " Unknown_edts Unknown_esds Unknown_hvcC Unknown_vpcC Unknown_damr VideoFieldOrder"
    " VideoFrameRate VideoFullRangeFlag",
}
_NO_DATE: Final = "0000:00:00 00:00:00"
# Tags that may be left if they have the one value that is the same for everybody.
FIXED: Final[Mapping[str, str]] = {
    "QuickTime:CreateDate": _NO_DATE,
    "QuickTime:ModifyDate": _NO_DATE,
    "QuickTime:CurrentTime": "0 s",
    "QuickTime:PosterTime": "0 s",
    "QuickTime:PreviewDuration": "0 s",
    "QuickTime:PreviewTime": "0 s",
    "QuickTime:SelectionDuration": "0 s",
    "QuickTime:SelectionTime": "0 s",
    "Track:TrackCreateDate": _NO_DATE,
    "Track:TrackModifyDate": _NO_DATE,
    "Track:MediaCreateDate": _NO_DATE,
    "Track:MediaModifyDate": _NO_DATE,
    "Track:MediaLanguageCode": "und",
    "Track:EncoderVendor": "",
    "Track:Unknown_mp4a": "",
    "Track:XResolution": "72",
    "Track:YResolution": "72",
}
_HEIFS: Final = (b"heic", b"heix", b"mif1", b"avif", b"msf1", b"hevc", b"avis")
_FIRST_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_STREAMS: Final = ("0:V?", "0:a?")


def is_heif(data: bytes) -> bool:
    """Tell by the first bytes whether it is a picture in boxes."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIFS


def is_film(data: bytes) -> bool:
    """Tell by the first bytes whether it is a film or a voice note."""
    return data[4:8] in _FIRST_BOXES


def decode_film(data: bytes) -> tuple[str, ...]:
    """
    Decode a film or a voice note.

    Args:
        data: A whole file.

    Returns:
        For pictures and for sound each frame's length and hash. Frames that a decoder would leave
        out at a program's word (gapless marks, names of encoders) are among them.

    Raises:
        OSError: it does not open.
    """
    rows = []
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        for stream in _STREAMS:
            asked = ["-flags2", "+skip_manual", "-i", file.name, "-map", stream]
            command = ["ffmpeg", "-v", "error", "-nostdin", *asked, "-f", "framemd5", "-"]
            done = subprocess.run(command, capture_output=True, check=False, text=True)
            rows += [
                " ".join(line.split(",")[-2:])
                for line in done.stdout.splitlines()
                if not line.startswith("#")
            ]
    if not rows:
        raise OSError("nothing was decoded")
    return tuple(rows)


def decode_heif(data: bytes) -> tuple[object, ...]:
    """
    Decode a HEIC or an AVIF.

    Args:
        data: A whole file.

    Returns:
        Its size, mode and pixels.

    Raises:
        OSError: it does not open.
    """
    if b"avif" in data[8:64]:
        with Image.open(io.BytesIO(data), formats=["AVIF"]) as image:
            return image.size, image.mode, image.tobytes()
    try:
        picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
        return picture.size, picture.mode, bytes(picture.data)
    except (EOFError, ValueError, RuntimeError) as exc:
        raise OSError("it does not open") from exc


def make_films(folder: Path) -> list[Path]:
    """
    Make films and a voice note that tell on whoever made them.

    Args:
        folder: Empty.

    Returns:
        The files.
    """
    pictures = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=1"]
    sound = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1"]
    told = ["-metadata", "title=seen at the depot", "-metadata", "artist=Benita Sandoval-Quiroga"]
    plain = ["-c:v", "libx264", "-c:a", "pcm_s16le"]
    ways = {
        "phone.mp4": [*pictures, *sound, "-c:v", "libx264", "-c:a", "aac"],
        "camera.mov": [*pictures, *sound, *plain, "-timecode", "01:02:03:04"],
        "older.3gp": [*pictures, *sound, "-c:v", "mpeg4", "-c:a", "aac"],
        "note.m4a": [*sound, "-c:a", "aac"],
        "lossless.m4a": [*sound, "-c:a", "alac"],
    }
    made = []
    for name, way in ways.items():
        path = folder / name
        subprocess.run(["ffmpeg", "-v", "error", *way, *told, path], check=True)
        made.append(path)
    labels = (
        "-Keys:Make=Lumenwerk",
        "-Keys:Model=Pocketeye 7",
        "-Keys:GPSCoordinates=19.4326077, -99.1332080, 0",
        "-Keys:Software=Darkroom-on-a-Phone 4.2",
        "-Keys:CreationDate=2026:03:04 05:06:07-06:00",
        "-UserData:Comment=handed over at night",
        "-QuickTime:CreateDate=2026:03:04 05:06:07",
        "-QuickTime:TrackCreateDate=2026:03:04 05:06:07",
        "-QuickTime:MediaCreateDate=2026:03:04 05:06:07",
        "-XMP-dc:Creator=Benita Sandoval-Quiroga",
        "-XMP-xmpMM:DocumentID=xmp.did:4bf1e0a8-c9d2-437f",
    )
    command = ["exiftool", "-q", "-m", "-overwrite_original", *labels]
    subprocess.run([*command, *map(str, made)], check=True)
    return made


def make_heifs(folder: Path) -> list[Path]:
    """
    Make a HEIC and an AVIF that tell on whoever made them.

    Args:
        folder: Empty of them.

    Returns:
        The files.
    """
    pillow_heif.register_heif_opener()
    image = Image.radial_gradient("L").convert("RGB").resize((96, 64))
    made = [folder / "phone.heic", folder / "web.avif"]
    image.save(made[0], "HEIF", quality=80, thumbnails=[32])
    image.save(made[1], "AVIF", quality=80)
    labels = (
        "-EXIF:Make=Lumenwerk",
        "-EXIF:Model=Pocketeye 7",
        "-EXIF:SerialNumber=PE7-00418823",
        "-EXIF:Software=Darkroom-on-a-Phone 4.2",
        "-EXIF:Artist=Benita Sandoval-Quiroga",
        "-EXIF:DateTimeOriginal=2026:03:04 05:06:07",
        "-EXIF:GPSLatitude=19.4326077",
        "-EXIF:GPSLongitude=99.1332080",
        "-EXIF:GPSDateStamp=2026:03:04",
        "-XMP-dc:Description=handed over at night",
        "-XMP-xmpMM:DocumentID=xmp.did:4bf1e0a8-c9d2-437f",
    )
    command = ["exiftool", "-q", "-m", "-overwrite_original", *labels]
    subprocess.run([*command, *map(str, made)], check=True)
    return made
