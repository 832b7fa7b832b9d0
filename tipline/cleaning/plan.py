"""What a cleaning keeps, writes and takes out: decided before anything is written."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable
from typing import Final, Protocol

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.source import Readable, Source

MAX_PIECES: Final = 65_536  # 10 MB of plan; an animation of 30 minutes has about as many frames
MAX_PARTS: Final = 1_000_000  # 2 seconds of reading; a PNG of 8 GB in libpng's chunks has as many
COPY_BYTES: Final = 256 * 1024  # fits a processor's cache


class Format(enum.StrEnum):
    """The formats that are cleaned, by their names in reports."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    TIFF = "tiff"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    ODT = "odt"
    ODS = "ods"
    ODP = "odp"
    TXT = "txt"
    CSV = "csv"
    OGG = "ogg"
    FLAC = "flac"
    WAV = "wav"
    MP3 = "mp3"
    PDF = "pdf"
    M4A = "m4a"
    MP4 = "mp4"
    MOV = "mov"
    PHONE_VIDEO = "3gp"
    WEBM = "webm"
    MKV = "mkv"
    HEIC = "heic"
    AVIF = "avif"


EXTENSIONS: Final = {
    Format.JPEG: "jpg",
    Format.PNG: "png",
    Format.WEBP: "webp",
    Format.GIF: "gif",
    Format.TIFF: "tiff",
    Format.DOCX: "docx",
    Format.XLSX: "xlsx",
    Format.PPTX: "pptx",
    Format.ODT: "odt",
    Format.ODS: "ods",
    Format.ODP: "odp",
    Format.TXT: "txt",
    Format.CSV: "csv",
    Format.OGG: "ogg",
    Format.FLAC: "flac",
    Format.WAV: "wav",
    Format.MP3: "mp3",
    Format.PDF: "pdf",
    Format.M4A: "m4a",
    Format.MP4: "mp4",
    Format.MOV: "mov",
    Format.PHONE_VIDEO: "3gp",
    Format.WEBM: "webm",
    Format.MKV: "mkv",
    Format.HEIC: "heic",
    Format.AVIF: "avif",
}


class Kind(enum.StrEnum):
    """The kinds of things that are found. The values are shown nowhere, the kinds are."""

    PLACE = "place"
    DEVICE = "device"
    TIME = "time"
    PERSON = "person"
    SOFTWARE = "software"
    PREVIEW = "preview"
    TEXT = "text"
    ID = "id"
    PROFILE = "profile"
    TRAILING = "trailing"
    HISTORY = "history"
    EMBEDDED = "embedded"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """
    A part of the source that is kept as it is.

    Args:
        offset: From the source's first byte.
        length_bytes: More than none.
    """

    offset: int
    length_bytes: int


Piece = Range | bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    A cleaning, not yet done.

    Args:
        format: What the file is.
        pieces: What the cleaned file is made of, in order.
        kinds: What goes, in the order of `Kind`. Empty if and only if the file stays as it is.
    """

    format: Format
    pieces: tuple[Piece, ...]
    kinds: tuple[Kind, ...]

    @property
    def length_bytes(self) -> int:
        """How long the cleaned file is."""
        return sum(map(measure_piece, self.pieces))


class Writable(Protocol):
    """What takes the cleaned bytes."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of *data*."""
        ...


class PlanBuilder:
    """
    Collects a plan while a file is read.

    Args:
        format: What the file is.
        source: The file.
    """

    def __init__(self, *, format: Format, source: Source) -> None:  # noqa: A002  # as the field
        self._format = format
        self._source = source
        self._pieces: list[Piece] = []
        self._kinds: set[Kind] = set()
        self._part_len = 0

    def count_part(self) -> None:
        """
        Count a part that is looked at.

        Raises:
            RefusedError: it is one too many.
        """
        self._part_len += 1
        if self._part_len > MAX_PARTS:
            raise RefusedError(Reason.TOO_COMPLEX)

    def keep(self, offset: int, length_bytes: int) -> None:
        """
        Keep a part of the source.

        Args:
            offset: From its first byte.
            length_bytes: Lies within the source.

        Raises:
            RefusedError: the plan has too many pieces.
        """
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, Range) and last.offset + last.length_bytes == offset:
            self._pieces[-1] = Range(
                offset=last.offset, length_bytes=last.length_bytes + length_bytes
            )
            return
        self.write(Range(offset=offset, length_bytes=length_bytes))

    def write(self, piece: Piece) -> None:
        """
        Add a piece behind the others.

        Args:
            piece: Of the source, or written anew.

        Raises:
            RefusedError: the plan has too many pieces.
        """
        if len(self._pieces) >= MAX_PIECES:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._pieces.append(piece)

    def insert(self, data: bytes, *, position: int) -> None:
        """
        Write something at a place that was passed already: only the whole file told what.

        Args:
            data: Written anew.
            position: In the cleaned file as it is so far; no piece written anew lies before it.
        """
        pieces: list[Piece] = []
        at = 0
        for piece in self._pieces:
            cut = position - at
            if 0 < cut < measure_piece(piece) and isinstance(piece, Range):
                pieces += [
                    Range(offset=piece.offset, length_bytes=cut),
                    data,
                    Range(offset=piece.offset + cut, length_bytes=piece.length_bytes - cut),
                ]
            elif cut == 0:
                pieces += [data, piece]
            else:
                pieces.append(piece)
            at += measure_piece(piece)
        self._pieces = pieces

    def find(self, *kinds: Kind) -> None:
        """
        Note that something goes.

        Args:
            kinds: What it is.
        """
        self._kinds.update(kinds)

    def measure(self) -> int:
        """
        Measure the cleaned file so far.

        Returns:
            Its length in bytes.
        """
        return sum(map(measure_piece, self._pieces))

    def build(self) -> Plan:
        """
        Finish the plan.

        Returns:
            It. If the file changes in a way that has no kind of its own, that is `Kind.OTHER`.
        """
        if not self._kinds and not _is_unchanged(self._pieces, self._source):
            self._kinds.add(Kind.OTHER)
        kinds = tuple(kind for kind in Kind if kind in self._kinds)
        return Plan(format=self._format, pieces=tuple(self._pieces), kinds=kinds)


def write_cleaned(plan: Plan, source: Readable, destination: Writable) -> None:
    """
    Write the cleaned file.

    Args:
        plan: Made from *source*.
        source: Can be sought in, and did not change since.
        destination: Takes the bytes.

    Raises:
        RefusedError: the source is shorter than it was.
    """
    buffer = memoryview(bytearray(COPY_BYTES))
    for piece in plan.pieces:
        if isinstance(piece, bytes):
            destination.write(piece)
            continue
        source.seek(piece.offset)
        left = piece.length_bytes
        while left:
            data = buffer[: source.readinto(buffer[:left])]
            if not data:
                raise RefusedError(Reason.TRUNCATED)
            destination.write(data)
            left -= len(data)


def measure_piece(piece: Piece) -> int:
    """
    Measure a piece.

    Args:
        piece: Of the source, or written anew.

    Returns:
        Its length in bytes.
    """
    return len(piece) if isinstance(piece, bytes) else piece.length_bytes


def _is_unchanged(pieces: Iterable[Piece], source: Source) -> bool:
    position = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            if source.read_up_to(position, len(piece)) != piece:
                return False
        elif piece.offset != position:
            return False
        position += measure_piece(piece)
    return position == source.length_bytes
