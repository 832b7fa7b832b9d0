"""
Sounds before the judges: what may be left in them, and what a decoder hears.

ffmpeg makes them, exiftool looks at them, and ffmpeg decodes them: sample for sample the same.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# By group, tags that may be left: they say how to decode.
FREE: Final[Mapping[str, str]] = {
    "Composite": "AudioBitrate Duration",
    "Opus": "OpusVersion AudioChannels SampleRate OutputGain",
    "Vorbis": "VorbisVersion AudioChannels SampleRate MaximumBitrate NominalBitrate MinimumBitrate",
    "FLAC": "BlockSizeMin BlockSizeMax FrameSizeMin FrameSizeMax SampleRate Channels BitsPerSample"
    " TotalSamples MD5Signature",
    "RIFF": "Encoding NumChannels SampleRate AvgBytesPerSec BitsPerSample NumberOfSamples",
    "MPEG": "MPEGAudioVersion AudioLayer AudioBitrate SampleRate ChannelMode MSStereo"
    " IntensityStereo ModeExtension CopyrightFlag OriginalMedia Emphasis VBRFrames VBRBytes",
}
# Tags that may be left if they have the one value that is the same for everybody.
FIXED: Final[Mapping[str, str]] = {"Vorbis:Vendor": "", "MPEG:VBRScale": "0"}
SHORTENED_LEN: Final = 2  # frames that ffmpeg makes of one that is cut off

_BEGINS: Final = (b"OggS", b"fLaC", b"ID3")
_LABELS: Final = {
    "title": "seen at the depot",
    "artist": "Benita Sandoval-Quiroga",
    "date": "2026-03-04",
    "comment": "handed over at night",
    "encoded_by": "Darkroom-on-a-Phone 4.2",
    "location": "Tlalnepantla",
}


def is_sound(data: bytes) -> bool:
    """Tell by the first bytes whether it is a sound that is in no box."""
    is_mpeg = data[:1] == b"\xff" and data[1:2] > b"\xdf"
    return data.startswith(_BEGINS) or is_mpeg or (data[:4] + data[8:12] == b"RIFFWAVE")


def decode_sound(data: bytes) -> tuple[str, ...]:
    """
    Decode a sound.

    Args:
        data: A whole file.

    Returns:
        Of each part its length and sum, without what a program says is to be cut off.

    Raises:
        OSError: it does not open.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", file.name, "-map", "0:a"]
        done = subprocess.run(
            [*command, "-f", "framemd5", "-"], capture_output=True, check=False, text=True
        )
    rows = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    if not rows:
        raise OSError("nothing was decoded")
    return tuple(" ".join(row.split(",")[-2:]) for row in rows)


def compare_sounds(original: bytes, cleaned: bytes) -> str:
    """
    Compare what a decoder hears.

    Args:
        original: A file.
        cleaned: What became of it.

    Returns:
        `same`, `different`, `unreadable` if the original does not open, or `cut` if only the end of
        a frame that is cut off is missing.
    """
    try:
        expected = decode_sound(original)
    except OSError:
        return "unreadable"
    found = decode_sound(cleaned)
    if found == expected:
        return "same"
    is_begin = expected[: len(found)] == found and len(expected) - len(found) <= SHORTENED_LEN
    return "cut" if is_begin else "different"


def make_sounds(folder: Path) -> list[Path]:
    """
    Make sounds that tell on whoever made them.

    Args:
        folder: Empty.

    Returns:
        The files.
    """
    # Noise and silence in turn: programs fill what silence leaves.
    chance = random.Random(1)
    samples = b"".join(chance.randbytes(24_000) if part % 2 else bytes(48_000) for part in range(8))
    cover = folder.parent / "cover.png"
    make_cover = ["-f", "lavfi", "-i", "color=red:s=16x16", "-frames:v", "1", str(cover)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *make_cover], check=True)
    labels = [part for label in _LABELS.items() for part in ("-metadata", "=".join(label))]
    made = []
    for name, options in {
        "note.opus": ["-c:a", "libopus"],
        "small-pages.ogg": ["-c:a", "libopus", "-page_duration", "20000"],
        "vorbis.ogg": ["-c:a", "libvorbis"],
        "speex.ogg": ["-ar", "16000", "-c:a", "libspeex"],
        "flac.ogg": ["-c:a", "flac", "-f", "ogg"],
        "alone.flac": ["-c:a", "flac"],
        "plain.wav": ["-write_bext", "1", "-metadata", "originator=Benita Sandoval-Quiroga"],
        "coded.wav": ["-c:a", "adpcm_ms"],
        "constant.mp3": ["-c:a", "libmp3lame", "-b:a", "64k", "-write_id3v1", "1"],
        "variable.mp3": ["-c:a", "libmp3lame", "-q:a", "4", "-id3v2_version", "4"],
    }.items():
        path = folder / name
        source = ["-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "-"]
        has_cover = name.endswith((".mp3", ".flac"))
        pictures = ["-i", str(cover), "-map", "0:a", "-map", "1:v"] if has_cover else []
        command = ["ffmpeg", "-v", "error", *source, *pictures, *labels, *options, str(path)]
        subprocess.run(command, input=samples, check=True)
        made.append(path)
    return made
