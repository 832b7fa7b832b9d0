"""
MP3: frames of layer III, one behind the other.

1. Tags around the file go (`soundtags`). A FLAC behind an ID3 is one.
2. Kept are the frames, whole, of one version, rate and number of channels. The first is followed by
   a second, or by the end. What lies between frames and is none goes, as does what lies behind the
   last: also a frame that is cut off there.
3. What no frame's sound takes of the reservoir (`mp3frames`) becomes zeros: programs write their
   names there.
4. The first frame may be a table of contents (Xing, Info, VBRI) in place of sound. Of it stay the
   numbers of frames and bytes, the table, and how many samples the program put before and behind
   the sound. In place of the program's name stands a mark; the rest becomes zeros.
5. Frames that do not say their length (free format) are refused.

*Limitations.* Coded sound is not decoded: what lies in the sound's own bits and is not heard stays,
as do the bits for copies, originals and private use.
"""

from __future__ import annotations

import collections
import dataclasses
from typing import Final

from tipline.cleaning import flac
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.mp3contents import clean_contents
from tipline.cleaning.mp3frames import HEAD_BYTES, SYNC, Head, read_head, read_side
from tipline.cleaning.patchwork import Patchwork
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.soundtags import find_tags, has_tag_behind
from tipline.cleaning.source import WINDOW_BYTES, Source

MAX_CANDIDATES: Final = 10_000  # between frames, that look like one; a megabyte of noise has 400

FIRST_WINDOW_BYTES: Final = 4096  # what is searched first: most gaps are short


@dataclasses.dataclass(slots=True, kw_only=True)
class Frame:
    """
    A frame whose filling is not known yet.

    Args:
        offset: In the source.
        content: The whole.
        room_at: Where its part of the reservoir begins, from its first byte.
        start: Where that is in the reservoir.
        is_changed: Whether anything became zero.
    """

    offset: int
    content: bytearray
    room_at: int
    start: int
    is_changed: bool = False

    @property
    def end(self) -> int:
        """Where its part of the reservoir ends."""
        return self.start + len(self.content) - self.room_at


def is_mp3(head: bytes) -> bool:
    """
    Tell an MP3 without a tag in front by its first bytes.

    Args:
        head: Untrusted.

    Returns:
        Whether a frame begins here.
    """
    return read_head(head[:HEAD_BYTES]) is not None


def plan_mp3(source: Source) -> Plan:
    """
    Plan the cleaning of an MP3, or of a FLAC behind an ID3.

    Args:
        source: `is_mp3`, or begins with an ID3.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.MP3, source=source)
        self._patchwork = Patchwork(builder=self._builder, source=source)
        self._end = 0
        self._candidate_len = 0
        self._waiting: collections.deque[Frame] = collections.deque()
        self._reservoir_len = 0
        self._taken_to = 0  # of the reservoir, by the sound of the frames so far

    def read(self) -> Plan:
        tags = find_tags(self._source)
        if self._source.read_up_to(tags.start, len(flac.SIGNATURE)) == flac.SIGNATURE:
            return flac.plan_flac(self._source)
        self._builder.find(*tags.kinds)
        self._end = tags.end
        position = tags.start
        head = self._read_head(position)
        if head is None or not self._is_followed(position, head):
            position, head = self._find_frame(position, None)
            self._builder.find(Kind.OTHER)
        if head is None:
            raise RefusedError(Reason.MALFORMED)
        family = head.family
        position = self._read_first(position, head)
        while position < self._end:
            head = self._read_head(position)
            if head is None or not self._fits(position, head, family):
                found_at, head = self._find_frame(position, family)
                if head is None:
                    self._builder.find(Kind.TRAILING)
                    break
                self._builder.find(Kind.OTHER)
                position = found_at
            self._add_frame(position, head)
            position += head.length_bytes
        if has_tag_behind(self._source, tags.start, position):
            raise RefusedError(Reason.MALFORMED)
        self._fill(self._reservoir_len)
        self._let_go(self._reservoir_len)
        self._patchwork.finish()
        return self._builder.build()

    def _read_head(self, position: int) -> Head | None:
        self._builder.count_part()
        if position + HEAD_BYTES > self._end:
            return None
        head = read_head(self._source.read(position, HEAD_BYTES))
        if head is not None and head.length_bytes and head.length_bytes < head.room_at:
            return None
        return head

    def _fits(self, position: int, head: Head, family: tuple[int, int, bool]) -> bool:
        """Tell whether a whole frame of the stream is here."""
        is_alike = head.length_bytes > 0 and head.family == family
        return is_alike and position + head.length_bytes <= self._end

    def _is_followed(self, position: int, head: Head) -> bool:
        """Tell whether a frame is followed by another of its family, or by the end."""
        if not head.length_bytes:
            raise RefusedError(Reason.UNSUPPORTED)
        position += head.length_bytes
        if position == self._end:
            return True
        following = self._read_head(position)
        return following is not None and following.family == head.family

    def _find_frame(
        self, position: int, family: tuple[int, int, bool] | None
    ) -> tuple[int, Head | None]:
        """Find the next frame that another follows."""
        window_bytes = FIRST_WINDOW_BYTES
        while position + HEAD_BYTES <= self._end:
            window = self._source.read(position, min(window_bytes, self._end - position))
            window_bytes = min(4 * window_bytes, WINDOW_BYTES)
            for match in SYNC.finditer(window):
                self._candidate_len += 1
                if self._candidate_len > MAX_CANDIDATES:
                    raise RefusedError(Reason.TOO_COMPLEX)
                at = position + match.start()
                head = self._read_head(at)
                if head is None or not head.length_bytes or (family or head.family) != head.family:
                    continue
                if self._is_followed(at, head):
                    return at, head
            # The last byte may be the first of two.
            position += max(1, len(window) - 1)
        return position, None

    def _read_first(self, position: int, head: Head) -> int:
        """Keep the first frame, which may be a table of contents; return what is behind it."""
        frame = self._source.read(position, head.length_bytes)
        contents = clean_contents(head, frame)
        if contents is None:
            self._add_frame(position, head)
        elif contents == frame:
            self._patchwork.keep(position, len(frame))
        else:
            self._builder.find(Kind.SOFTWARE)
            self._patchwork.write(contents)
        return position + head.length_bytes

    def _add_frame(self, position: int, head: Head) -> None:
        """Take a frame up, and let those go of which all is known now."""
        content = self._source.read(position, head.length_bytes)
        begin, bits = read_side(head, content)
        frame = Frame(
            offset=position,
            content=bytearray(content),
            room_at=head.room_at,
            start=self._reservoir_len,
        )
        sound_at = self._reservoir_len - begin
        self._fill(sound_at)
        self._let_go(sound_at)
        self._waiting.append(frame)
        self._reservoir_len = frame.end
        self._taken_to = max(self._taken_to, sound_at + (bits + 7) // 8)

    def _fill(self, end: int) -> None:
        """Make what the sound so far does not take zero, up to *end*."""
        for frame in self._waiting:
            start = frame.room_at + max(0, self._taken_to - frame.start)
            stop = frame.room_at + min(end, frame.end) - frame.start
            if start < stop and any(frame.content[start:stop]):
                frame.content[start:stop] = bytes(stop - start)
                frame.is_changed = True
                self._builder.find(Kind.SOFTWARE)
        self._taken_to = max(self._taken_to, end)

    def _let_go(self, end: int) -> None:
        """Write the frames whose room ends before *end*: no later sound leaves anything of it."""
        while self._waiting and self._waiting[0].end <= end:
            frame = self._waiting.popleft()
            if frame.is_changed:
                self._patchwork.write(bytes(frame.content))
            else:
                self._patchwork.keep(frame.offset, len(frame.content))
