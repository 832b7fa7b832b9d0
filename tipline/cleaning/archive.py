"""
ZIP (APPNOTE 6.3), as far as documents use it: read strictly, written anew.

1. The end of the central directory is the last one in the file; what stands behind it goes. What
   it lists is all there is: members that lie apart, whole, within the file, and whose own heads say
   the same.
2. Members are stored or deflated. Encrypted ones, ZIP64 and archives in several parts are refused.
3. A member is inflated up to the length that it declares and no further; its data ends exactly
   where its stream ends, and its sum is right. `MAX_INFLATED_BYTES` bounds all of them together.
4. Written anew are all heads, with one time for everybody, no extra fields and no comments. A
   member that stays as it is keeps its compressed bytes.
"""

from __future__ import annotations

import dataclasses
import itertools
import struct
import zlib
from collections.abc import Iterable
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind, Piece, PlanBuilder, Range
from tipline.cleaning.source import Source

SIGNATURE: Final = b"PK\x03\x04"
MAX_MEMBERS: Final = 10_000  # a presentation of 500 slides has about 3,000
MAX_INFLATED_BYTES: Final = 128 * 1024 * 1024  # of all members that are read; a phone has that much

_HEAD: Final = struct.Struct("<4s5H3I2H")
_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_ENTRY_SIGNATURE: Final = b"PK\x01\x02"
_END_SIGNATURE: Final = b"PK\x05\x06"
_MAX_COMMENT_BYTES: Final = 0xFFFF
_MAX_DIRECTORY_BYTES: Final = 4 * 1024 * 1024
_ENCRYPTED, _SIZES_BEHIND, _STRONGLY_ENCRYPTED, _UTF8 = 0x1, 0x8, 0x40, 0x800
_KNOWN_FLAGS: Final = 0x6 | _SIZES_BEHIND | _UTF8
_STORED, _DEFLATED = 0, 8
_VERSION: Final = 20
_DATE: Final = 0x21  # 1 January 1980, the first day that the format knows
_ZIP64: Final = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """
    A file in an archive.

    Args:
        name: Untrusted.
        method: Stored or deflated.
        checksum: CRC-32 of the content, as declared.
        offset: Of its data in the archive.
        compressed_bytes: How long its data is.
        size_bytes: How long its content is, as declared.
    """

    name: str
    method: int
    checksum: int
    offset: int
    compressed_bytes: int
    size_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """
    A file as it stands in the cleaned archive.

    Args:
        name: Of our own.
        method: Stored or deflated.
        checksum: CRC-32 of the content.
        size_bytes: How long the content is.
        data: The content, compressed or not.
    """

    name: str
    method: int
    checksum: int
    size_bytes: int
    data: Piece

    @property
    def data_bytes(self) -> int:
        """How long its data is."""
        return len(self.data) if isinstance(self.data, bytes) else self.data.length_bytes


class Archive:
    """
    Reads an archive.

    Args:
        source: Begins with `SIGNATURE`.

    Raises:
        RefusedError: it does not hold the rules above.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._inflated_bytes = 0
        self.kinds: set[Kind] = set()
        self.members: dict[str, Member] = {}
        self._read_directory()

    def read(self, member: Member) -> bytes:
        """
        Read what a member holds.

        Args:
            member: Of this archive.

        Returns:
            Its content.

        Raises:
            RefusedError: it is not what its head says, or too much.
        """
        self._inflated_bytes += member.size_bytes
        if max(self._inflated_bytes, member.compressed_bytes) > MAX_INFLATED_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        data = self._source.read(member.offset, member.compressed_bytes)
        content = _inflate(data, member.size_bytes) if member.method == _DEFLATED else data
        if len(content) != member.size_bytes or zlib.crc32(content) != member.checksum:
            raise RefusedError(Reason.MALFORMED)
        return content

    def keep(self, member: Member, name: str) -> Written:
        """
        Keep a member as it is.

        Args:
            member: Was read, and so checked.
            name: Its new name.

        Returns:
            The member with the bytes it had.
        """
        return Written(
            name=name,
            method=member.method,
            checksum=member.checksum,
            size_bytes=member.size_bytes,
            data=Range(offset=member.offset, length_bytes=member.compressed_bytes)
            if member.compressed_bytes
            else b"",
        )

    def _read_directory(self) -> None:
        count, length, offset = self._find_end()
        directory = self._source.read(offset, length)
        position = 0
        spans = []
        for _ in range(count):
            member, head_offset, size = self._read_entry(directory, position)
            position += size
            spans.append((head_offset, member.offset + member.compressed_bytes))
            if member.name.endswith("/") and not member.size_bytes:
                continue
            if member.name in self.members:
                raise RefusedError(Reason.MALFORMED)
            self.members[member.name] = member
        spans.append((offset, offset + length))
        spans.sort()
        overlaps = any(one[1] > other[0] for one, other in itertools.pairwise(spans))
        if position != length or spans[0][0] != 0 or overlaps:
            raise RefusedError(Reason.MALFORMED)

    def _find_end(self) -> tuple[int, int, int]:
        length = self._source.length_bytes
        start = max(0, length - _END.size - _MAX_COMMENT_BYTES)
        tail = self._source.read(start, length - start)
        at = tail.rfind(_END_SIGNATURE)
        if at < 0:
            raise RefusedError(Reason.TRUNCATED)
        if len(tail) - at < _END.size:
            raise RefusedError(Reason.MALFORMED)
        _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, at)
        behind = len(tail) - at - _END.size - comment
        if disk or first_disk or here != count or behind < 0:
            raise RefusedError(Reason.MALFORMED)
        if behind:
            self.kinds.add(Kind.TRAILING)
        if _ZIP64 in (size, offset):
            raise RefusedError(Reason.UNSUPPORTED)
        if count > MAX_MEMBERS or size > _MAX_DIRECTORY_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        if comment:
            self.kinds.add(Kind.TEXT)
        if offset + size > start + at:
            raise RefusedError(Reason.MALFORMED)
        return count, size, offset

    def _read_entry(self, directory: bytes, position: int) -> tuple[Member, int, int]:
        """Read an entry; return its member, where the member's head is, and the entry's length."""
        if position + _ENTRY.size > len(directory):
            raise RefusedError(Reason.MALFORMED)
        entry = _ENTRY.unpack_from(directory, position)
        signature, _, _, flags, method, _, date, checksum, compressed, size = entry[:10]
        name_len, extra_len, comment_len, disk = entry[10:14]
        head_offset = entry[16]
        start = position + _ENTRY.size
        name = directory[start : start + name_len]
        if signature != _ENTRY_SIGNATURE or disk or len(name) != name_len or not name:
            raise RefusedError(Reason.MALFORMED)
        if flags & (_ENCRYPTED | _STRONGLY_ENCRYPTED):
            raise RefusedError(Reason.ENCRYPTED)
        if method not in (_STORED, _DEFLATED) or flags & ~_KNOWN_FLAGS:
            raise RefusedError(Reason.UNSUPPORTED)
        if _ZIP64 in (compressed, size, head_offset):
            raise RefusedError(Reason.UNSUPPORTED)
        if method == _STORED and compressed != size:
            raise RefusedError(Reason.MALFORMED)
        if date != _DATE:
            self.kinds.add(Kind.TIME)
        data_offset = self._check_head(head_offset, name, entry)
        self._source.check(data_offset, compressed)
        member = Member(
            name=_decode_name(name),
            method=method,
            checksum=checksum,
            offset=data_offset,
            compressed_bytes=compressed,
            size_bytes=size,
        )
        return member, head_offset, _ENTRY.size + name_len + extra_len + comment_len

    def _check_head(self, offset: int, name: bytes, entry: tuple[object, ...]) -> int:
        """Hold that a member's own head says what the directory says; return where its data is."""
        head = _HEAD.unpack(self._source.read(offset, _HEAD.size))
        signature, _, flags, method, _, _, checksum, compressed, size, name_len, extra_len = head
        declared = (checksum, compressed, size)
        agrees = (
            signature == SIGNATURE
            and (flags, method) == entry[3:5]
            and (flags & _SIZES_BEHIND or declared == entry[7:10])
            and self._source.read(offset + _HEAD.size, name_len) == name
        )
        if not agrees:
            raise RefusedError(Reason.MALFORMED)
        return offset + _HEAD.size + int(name_len) + int(extra_len)


def write_member(name: str, content: bytes) -> Written:
    """
    Write a member anew.

    Args:
        name: Of our own.
        content: Whole.

    Returns:
        The member, deflated.
    """
    deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = deflater.compress(content) + deflater.flush()
    return Written(
        name=name,
        method=_DEFLATED,
        checksum=zlib.crc32(content),
        size_bytes=len(content),
        data=data,
    )


def store_member(name: str, content: bytes) -> Written:
    """
    Write a member anew, as it is.

    Args:
        name: Of our own.
        content: Whole; what is compressed already.

    Returns:
        The member, stored.
    """
    return Written(
        name=name,
        method=_STORED,
        checksum=zlib.crc32(content),
        size_bytes=len(content),
        data=content,
    )


def write_archive(builder: PlanBuilder, members: Iterable[Written]) -> None:
    """
    Write an archive.

    Args:
        builder: Of the plan.
        members: In their order.

    Raises:
        RefusedError: the plan has too many pieces.
    """
    directory = b""
    position = count = 0
    for member in members:
        name = member.name.encode("ascii")
        sizes = (member.checksum, member.data_bytes, member.size_bytes, len(name), 0)
        head = (_VERSION, 0, member.method, 0, _DATE, *sizes)
        builder.write(_HEAD.pack(SIGNATURE, *head) + name)
        if member.data_bytes:
            builder.write(member.data)
        directory += _ENTRY.pack(_ENTRY_SIGNATURE, _VERSION, *head, 0, 0, 0, 0, position) + name
        position += _HEAD.size + len(name) + member.data_bytes
        count += 1
    end = _END.pack(_END_SIGNATURE, 0, 0, count, count, len(directory), position, 0)
    builder.write(directory + end)


def _decode_name(name: bytes) -> str:
    """Some write names in UTF-8 without saying so, and some with the wrong stroke."""
    try:
        decoded = name.decode("utf-8")
    except UnicodeDecodeError:
        decoded = name.decode("latin-1")
    return decoded.replace("\\", "/")


def _inflate(data: bytes, size_bytes: int) -> bytes:
    """Inflate up to what is declared; what goes on behind it is refused."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(data, size_bytes + 1)
    except zlib.error as exc:
        raise RefusedError(Reason.MALFORMED) from exc
    if not inflater.eof or inflater.unused_data:
        raise RefusedError(Reason.MALFORMED)
    return content
