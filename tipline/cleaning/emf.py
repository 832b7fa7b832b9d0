"""
EMF (MS-EMF): drawings of Windows inside documents, records that draw one after the other.

1. Records that are listed stay, each exactly as long as its fields ask for. Records that draw
   nothing go: comments, escapes, profiles. Any other is refused.
2. The head is written anew, without the description, the palette and what else is optional.
3. EMF+, which stands in comments, goes where the records draw the same. Where it alone draws, the
   drawing is refused.

*Limitations.* The size of the screen or the printer that a drawing was made for stays: its lengths
hang on it.
"""

from __future__ import annotations

import struct
from typing import Final

from tipline.cleaning.emf_records import REWRITERS
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.metafile_rules import EMF
from tipline.cleaning.plan import Kind

MAX_RECORDS: Final = 1_000_000  # two seconds of reading; a map of a town has about 100,000

_RECORD: Final = struct.Struct("<II")
_HEAD_RECORD, _END_RECORD, _COMMENT = 1, 14, 70
_SIGNATURE: Final = b" EMF"
_SIGNATURE_AT: Final = 40
_HEAD_BYTES: Final = 88
_END: Final = struct.pack("<5I", _END_RECORD, 20, 0, 16, 20)
_PLUS: Final = b"EMF+"
_PLUS_RECORD: Final = struct.Struct("<HHI")
_PLUS_RECORD_BYTES: Final = 12
_PLUS_HEAD: Final = 0x4001
_PLUS_IS_DUAL: Final = 1
# Those that draw; the others set a state, or say what is drawn with.
_PLUS_DRAWING: Final = frozenset({*range(0x4009, 0x401D), 0x4036})


def is_emf(untrusted: bytes) -> bool:
    """
    Tell EMF by its first bytes.

    Args:
        untrusted: A picture.

    Returns:
        Whether it begins as EMF does.
    """
    signature = untrusted[_SIGNATURE_AT : _SIGNATURE_AT + len(_SIGNATURE)]
    return untrusted.startswith(b"\1\0\0\0") and signature == _SIGNATURE


def clean_emf(untrusted: bytes) -> tuple[bytes, set[Kind]]:
    """
    Clean an EMF.

    Args:
        untrusted: `is_emf`.

    Returns:
        What stays, and the kinds of what goes; none for what only is written otherwise.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(untrusted).read()


class _Reader:
    def __init__(self, untrusted: bytes) -> None:
        self._data = untrusted
        self._kinds: set[Kind] = set()
        self._out: list[bytes] = []
        self._kept_len = 1  # with the head
        self._is_dual = self._is_drawn_otherwise = False

    def read(self) -> tuple[bytes, set[Kind]]:
        at = self._read_head()
        began_at = at  # where records begin that stay as they are
        data, fixed, length_bytes = self._data, EMF.fixed, len(self._data)
        for _ in range(MAX_RECORDS):
            if at + _RECORD.size > length_bytes:
                raise RefusedError(Reason.TRUNCATED)
            number, size = _RECORD.unpack_from(data, at)
            wanted = fixed.get(number)
            if size != wanted:
                if wanted is not None or size < _RECORD.size or size % 4:
                    raise RefusedError(Reason.MALFORMED)
                if at + size > length_bytes:
                    raise RefusedError(Reason.TRUNCATED)
                self._out.append(data[began_at:at])
                began_at = at + size
                if number == _END_RECORD:
                    return self._finish(began_at)
                self._read_record(number, data[at:began_at])
            else:
                self._kept_len += 1
            at += size
        raise RefusedError(Reason.TOO_COMPLEX)

    def _read_head(self) -> int:
        if len(self._data) < _HEAD_BYTES:
            raise RefusedError(Reason.TRUNCATED)
        size, description_len, palette_len = struct.unpack_from("<4xI52xI4xI", self._data)
        if size < _HEAD_BYTES or size % 4:
            raise RefusedError(Reason.MALFORMED)
        if description_len:
            self._kinds |= {Kind.SOFTWARE, Kind.TEXT}
        if palette_len:
            self._kinds.add(Kind.OTHER)
        return int(size)

    def _read_record(self, number: int, record: bytes) -> None:
        if number == _COMMENT:
            self._read_comment(record)
        elif number in EMF.dropped:
            self._kinds.add(EMF.dropped[number])
        else:
            rewrite = REWRITERS.get(number)
            if rewrite is None:
                raise RefusedError(Reason.UNSUPPORTED)
            self._out.append(rewrite(record))
            self._kept_len += 1

    def _read_comment(self, record: bytes) -> None:
        if record[12:16] != _PLUS:
            self._kinds.add(Kind.TEXT)
            return
        self._kinds.add(Kind.OTHER)
        at = 16
        while at + _PLUS_RECORD_BYTES <= len(record):
            number, flags, size = _PLUS_RECORD.unpack_from(record, at)
            if number == _PLUS_HEAD:
                self._is_dual = bool(flags & _PLUS_IS_DUAL)
            self._is_drawn_otherwise = self._is_drawn_otherwise or number in _PLUS_DRAWING
            if size < _PLUS_RECORD_BYTES:
                break
            at += size

    def _finish(self, end: int) -> tuple[bytes, set[Kind]]:
        if self._is_drawn_otherwise and not self._is_dual:
            raise RefusedError(Reason.UNSUPPORTED)
        if end != len(self._data):
            self._kinds.add(Kind.TRAILING)
        body = b"".join(self._out) + _END
        handle_len = int.from_bytes(self._data[56:58], "little")
        head = (
            _RECORD.pack(_HEAD_RECORD, _HEAD_BYTES)
            + self._data[8:44]
            + struct.pack("<3I", 0x10000, _HEAD_BYTES + len(body), self._kept_len + 1)
            + struct.pack("<2H3I", handle_len, 0, 0, 0, 0)
            + self._data[72:_HEAD_BYTES]
        )
        return head + body, self._kinds
