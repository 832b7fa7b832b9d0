"""
WebM and Matroska (RFC 9559): films and sounds, as browsers record them.

1. The cleaned file is written anew: the head of EBML, one segment with what is said of it, tracks,
   cues and clusters, in this order. Every length is known afterwards.
2. Kept are tracks of pictures and of sound (`matroskatracks`). All other tracks go with their
   blocks: subtitles, buttons, data.
3. A cluster has its time and the blocks of the tracks that are kept, as they were; of a group stay
   the block, its duration, what it refers to, and how much of it is not played.
4. Of a sample goes what is neither picture nor sound, as in films (`samples`).
5. Cues are written anew, one for each cluster with a picture that needs no other before it.
6. All else goes: tags, attachments, chapters, dates, titles, names, UIDs, fill, checksums, what is
   not known. Refused are compressed and encrypted tracks, pictures that may be seen through,
   and a second segment.

*Limitations.* Coded pictures and sound are not decoded. Numbers of tracks and the bounds of
clusters hint at the program. Chapters that leave out a part of the film go: then it is shown.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning import ebml
from tipline.cleaning.comments import MAX_NAME_BYTES, find_name_kinds
from tipline.cleaning.ebml import Elements
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.matroskaclusters import CLUSTER, Clusters
from tipline.cleaning.matroskatracks import Track, read_tracks
from tipline.cleaning.movierules import MAX_LOOKED_AT_BYTES
from tipline.cleaning.patchwork import Patchwork
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import Source

SIGNATURE: Final = ebml.SIGNATURE

_DOC_TYPES: Final = {b"webm": Format.WEBM, b"matroska": Format.MKV}
_READ_VERSION, _MAX_ID, _MAX_SIZE, _DOC_TYPE = 0x42F7, 0x42F2, 0x42F3, 0x4282
_VERSION, _DOC_VERSION, _DOC_READ_VERSION = 0x4286, 0x4287, 0x4285
_OUR_VERSIONS: Final = (4, 2)  # of the format, and of readers that read it
_SEGMENT: Final = 0x18538067
_INFO: Final = 0x1549A966
_TRACKS: Final = 0x1654AE6B
_CUES: Final = 0x1C53BB6B
_SEEK_HEAD: Final = 0x114D9B74
_TAGS: Final = 0x1254C367
_ATTACHMENTS: Final = 0x1941A469
_CHAPTERS: Final = 0x1043A770
_OF_NO_USE: Final = (_CUES, _SEEK_HEAD, ebml.VOID, ebml.CRC_32)
_TELLING: Final = {_ATTACHMENTS: Kind.EMBEDDED, _CHAPTERS: Kind.TEXT}
_TAG_PARTS: Final = (0x7373, 0x67C8)
_TAG_NAME: Final = 0x45A3
_SCALE: Final = 0x2AD7B1
_DURATION: Final = 0x4489
_PROGRAMS: Final = (0x4D80, 0x5741)
_NO_PROGRAM: Final = b"-"  # a program must be named
_TOLD: Final = {
    0x4461: Kind.TIME,
    0x7BA9: Kind.TEXT,
    **dict.fromkeys((0x73A4, 0x3CB923, 0x3EB923, 0x4444), Kind.ID),
    **dict.fromkeys((0x7384, 0x3C83AB, 0x3E83BB), Kind.TEXT),
}
_NANOSECONDS: Final = 1_000_000
_CUE_POINT, _CUE_TIME, _CUE_PLACES, _CUE_TRACK, _CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1
_PLACE_BYTES: Final = 8  # always, so that cues are as long wherever they point


def plan_matroska(source: Source) -> Plan:
    """
    Plan the cleaning of a WebM or a Matroska.

    Args:
        source: Begins with `SIGNATURE`.

    Returns:
        The plan; its format says which of the two it is.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._elements = Elements(source)
        self._found: set[Kind] = set()
        self._info: bytes | None = None
        self._tracks: list[Track] = []
        self._clusters: Clusters | None = None

    def read(self) -> Plan:
        end = self._source.length_bytes
        head = self._elements.read(0, end)
        known = self._read_doc_type(self._elements.read_content(head))
        segment = self._elements.read(head.end, end)
        if segment.number != _SEGMENT:
            raise RefusedError(Reason.MALFORMED)
        builder = PlanBuilder(format=known, source=self._source)
        self._patchwork = Patchwork(builder=builder, source=self._source)
        segment_end = end if segment.last is None else segment.last
        self._read_segment(segment.start, segment_end)
        if segment_end < end:
            if self._source.read_up_to(segment_end, len(SIGNATURE)) == SIGNATURE:
                raise RefusedError(Reason.UNSUPPORTED)
            self._found.add(Kind.TRAILING)
        self._patchwork.finish()
        if self._clusters is None or not self._clusters.written_bytes:
            raise RefusedError(Reason.MALFORMED)
        builder.insert(self._format_head(known, self._clusters), position=0)
        builder.find(*self._found)
        return builder.build()

    def _read_doc_type(self, data: bytes) -> Format:
        named = ebml.list_named(data)
        known = _DOC_TYPES.get(named.get(_DOC_TYPE, b"").rstrip(b"\0"))
        versions = {_READ_VERSION: 1, _MAX_ID: 4, _MAX_SIZE: 8, _DOC_READ_VERSION: 4}
        if known is None or any(
            ebml.read_number(named.get(number, b"")) > most for number, most in versions.items()
        ):
            raise RefusedError(Reason.UNSUPPORTED)
        return known

    def _read_segment(self, at: int, end: int) -> None:
        while at < end:
            element = self._elements.read(at, end)
            if element.number == CLUSTER:
                if self._clusters is None:
                    raise RefusedError(Reason.MALFORMED)
                at = self._clusters.keep(element, end)
                continue
            at = element.end
            if element.number == _INFO:
                if self._info is not None:
                    raise RefusedError(Reason.MALFORMED)
                self._info = self._format_info(self._elements.read_content(element))
            elif element.number == _TRACKS:
                self._take_tracks(self._elements.read_content(element))
            elif element.number == _TAGS:
                length = min(at - element.start, MAX_LOOKED_AT_BYTES)
                self._found.update(_find_tag_kinds(self._source.read(element.start, length)))
            elif element.number not in _OF_NO_USE:
                self._found.add(_TELLING.get(element.number, Kind.OTHER))

    def _format_info(self, data: bytes) -> bytes:
        """Write anew what is said of the segment."""
        scale, duration = _NANOSECONDS, b""
        for number, content in ebml.list_elements(data):
            if number == _SCALE:
                scale = ebml.read_number(content)
            elif number == _DURATION:
                duration = ebml.format_element(_DURATION, ebml.check_float(content))
            elif number in _PROGRAMS:
                if content.rstrip(b"\0") not in (b"", _NO_PROGRAM):
                    self._found.add(Kind.SOFTWARE)
            elif number not in _OF_NO_USE:
                self._found.add(_TOLD.get(number, Kind.OTHER))
        if not scale:
            raise RefusedError(Reason.MALFORMED)
        programs = (ebml.format_element(number, _NO_PROGRAM) for number in _PROGRAMS)
        return ebml.format_element(_INFO, ebml.format_number(_SCALE, scale), duration, *programs)

    def _take_tracks(self, data: bytes) -> None:
        if self._clusters is not None:
            raise RefusedError(Reason.MALFORMED)
        self._tracks = read_tracks(data, found=self._found)
        self._clusters = Clusters(
            self._tracks, elements=self._elements, patchwork=self._patchwork, found=self._found
        )

    def _format_head(self, known: Format, clusters: Clusters) -> bytes:
        doc_type = next(name for name, of in _DOC_TYPES.items() if of == known)
        head = ebml.format_element(
            ebml.EBML,
            *(ebml.format_number(number, value) for number, value in (
                (_VERSION, 1), (_READ_VERSION, 1), (_MAX_ID, 4), (_MAX_SIZE, 8))),
            ebml.format_element(_DOC_TYPE, doc_type),
            ebml.format_number(_DOC_VERSION, _OUR_VERSIONS[0]),
            ebml.format_number(_DOC_READ_VERSION, _OUR_VERSIONS[1]),
        )  # fmt: skip
        info = self._format_info(b"") if self._info is None else self._info
        tracks = ebml.format_element(_TRACKS, *(track.entry for track in self._tracks))
        front_bytes = len(info) + len(tracks)
        # As long wherever they point, so the first says how far the clusters are.
        cues = _format_cues(clusters, front_bytes + len(_format_cues(clusters, 0)))
        size = front_bytes + len(cues) + clusters.written_bytes
        return b"".join((head, ebml.format_head(_SEGMENT, size), info, tracks, cues))


def _format_cues(clusters: Clusters, base: int) -> bytes:
    """Write where to jump to, `base` bytes behind the segment's beginning."""
    points = [
        ebml.format_element(
            _CUE_POINT,
            ebml.format_number(_CUE_TIME, time),
            ebml.format_element(
                _CUE_PLACES,
                ebml.format_number(_CUE_TRACK, clusters.cue_track),
                ebml.format_element(_CUE_CLUSTER, (base + place).to_bytes(_PLACE_BYTES, "big")),
            ),
        )
        for time, place in clusters.cues
    ]
    return ebml.format_element(_CUES, *points) if points else b""


def _find_tag_kinds(data: bytes) -> frozenset[Kind]:
    """Find kinds by the names of tags: only what a person is told depends on them."""
    found: frozenset[Kind] = frozenset()
    at = 0
    while at < len(data):
        try:
            head = ebml.decode_head(data[at : at + ebml.MAX_HEAD_BYTES])
        except RefusedError:
            break
        if head is None or head.size is None:
            break
        start = at + head.length_bytes
        at = start if head.number in _TAG_PARTS else start + head.size
        if head.number == _TAG_NAME:
            found |= find_name_kinds(data[start : min(at, start + MAX_NAME_BYTES)])
    return found or frozenset({Kind.OTHER})
