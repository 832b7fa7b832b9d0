"""
WebM and Matroska before the judges: what may be left in them.

ffmpeg makes them, exiftool looks at them, and ffmpeg decodes them: frame for frame the same.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# By group ("Track" for each of them), tags that may be left: they say how to decode. exiftool has
# no names for how much of a block is not played (0x35a2), the coder's delay (0x16aa), what must be
# decoded before (0x16bb), and colours (0x15b0 and on). A UID is the number of its track.
FREE: Final[Mapping[str, str]] = {
    "Matroska": "EBMLVersion EBMLReadVersion EBMLMaxIDLength EBMLMaxSizeLength DocType"
    " DocTypeVersion DocTypeReadVersion TimecodeScale Duration CueTime CueTrack CueClusterPosition"
    " TimeCode BlockDuration ReferenceBlock Matroska_0x35a2",
    "Track": "TrackNumber TrackUID TrackType TrackUsed TrackDefault TrackForced TrackLacing"
    " DefaultDuration CodecID VideoCodecID AudioCodecID CodecPrivate VideoScanType DisplayWidth"
    " DisplayHeight DisplayUnit OutputAudioSampleRate Matroska_0x15b0 Matroska_0x16aa"
    " Matroska_0x16bb",
}
# Tags that may be left if they have the one value that is the same for everybody.
FIXED: Final[Mapping[str, str]] = {
    "Matroska:MuxingApp": "-",
    "Matroska:WritingApp": "-",
    "Track:TrackLanguage": "und",
    # That pictures may be seen through: the number of the one kind of addition, and AlphaMode.
    "Matroska:BlockAddID": "1",
    "Track:MaxBlockAdditionID": "1",
    "Track:Matroska_0x13c0": "\1",
}
_SIGNATURE: Final = b"\x1a\x45\xdf\xa3"
_LABELS: Final = {
    "title": "seen at the depot",
    "artist": "Benita Sandoval-Quiroga",
    "date": "2026-03-04",
    "comment": "handed over at night",
    "make": "Lumenwerk",
    "location": "+19.4326-099.1332/",
}
_PICTURES: Final = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=1")
_SOUND: Final = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1")
_WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "browser.webm": (*_PICTURES, *_SOUND, "-c:v", "libvpx", "-c:a", "libopus", "-live", "1"),
    "older.webm": (*_PICTURES, *_SOUND, "-c:v", "libvpx-vp9", "-c:a", "libvorbis"),
    "voice.webm": (*_SOUND, "-c:a", "libopus"),
    "canvas.webm": (
        *_PICTURES,
        *("-vf", "format=yuva420p,geq=lum='p(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='4*X'"),
        *("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"),
    ),
    "screen.mkv": (*_PICTURES, *_SOUND, "-c:v", "libx264", "-c:a", "aac"),
    "lossless.mkv": (*_PICTURES, *_SOUND, "-c:v", "mpeg4", "-c:a", "flac"),
}


def is_matroska(data: bytes) -> bool:
    """Tell by the first bytes whether it is a WebM or a Matroska."""
    return data.startswith(_SIGNATURE)


def make_matroskas(folder: Path) -> list[Path]:
    """
    Make films and a sound that tell on whoever made them.

    Args:
        folder: Empty.

    Returns:
        The files.
    """
    told = [part for name, value in _LABELS.items() for part in ("-metadata", f"{name}={value}")]
    letter = folder / "letter.txt"
    letter.write_text("Dear Benita")
    attached = ["-attach", str(letter), "-metadata:s:t", "mimetype=text/plain"]
    made = []
    for name, way in _WAYS.items():
        path = folder / name
        more = attached if path.suffix == ".mkv" else []
        subprocess.run(["ffmpeg", "-v", "error", *way, *told, *more, path], check=True)
        made.append(path)
    return made
