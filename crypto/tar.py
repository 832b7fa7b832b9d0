"""
The payload: a tar in one frozen profile, padded with zeros onto the size ladder.

Rules:
    1. ustar headers, byte for byte as `format_header` writes them: whatever is read is what would
       have been written.
    2. `tip.json`, `text.txt`, `files/NN.EXT` without a gap, then `originals/NN.EXT` rising, each
       beside the attachment of the same number. Nothing else, nothing twice.
    3. After the last member's padding: zeros, at least two blocks of them, to the end.
    4. Judging writes nothing and follows nothing: names are compared, never used as paths.

Unpackers disagree about every tar feature left out here (links, long names, sparse files, a second
archive); a payload that all of them unpack to the same files is the point of the profile.

docs/reference/formats.md, "Payload".
"""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from crypto.errors import ForeignError, MalformedError
from crypto.ladder import RUNGS, TEXT_RUNG, payload_len_of
from crypto.tip import MAX_TEXT_BYTES, MAX_TIP_JSON_BYTES

BLOCK_LEN: Final = 512
CLOSING_LEN: Final = 2 * BLOCK_LEN
MAX_MEMBER_BYTES: Final = 8**11 - 1  # eleven octal digits, 8 GiB; the ladder ends at 4 GiB
MAX_FAULTS: Final = 100  # a hostile payload can hold millions of headers; a person reads a few
_BUFFER_LEN: Final = 1 << 14  # small: larger reads go past the buffer, without a copy
_READ_LEN: Final = 1 << 20
_ZEROS: Final = bytes(_READ_LEN)
_PAYLOAD_LENS: Final = frozenset(payload_len_of(rung) for rung in RUNGS)

_MEMBER_NAME = re.compile(r"tip\.json|text\.txt|(files|originals)/([0-9]{2})\.[a-z0-9]{1,5}")
_FIXED_NAMES: Final = ("tip.json", "text.txt")
_LIMITS: Final = {"tip.json": MAX_TIP_JSON_BYTES, "text.txt": MAX_TEXT_BYTES}

_NAME_FIELD: Final = slice(0, 100)
_SIZE_FIELD: Final = slice(124, 136)
_CHECKSUM_FIELD: Final = slice(148, 156)
_TYPE_OFFSET: Final = 156
_MAGIC_FIELD: Final = slice(257, 263)
_PREFIX_FIELD: Final = slice(345, 500)

# What a type other than a plain file is called in the refusal.
_TYPE_REASONS: Final = {
    b"1": "link",
    b"2": "link",
    b"3": "device",
    b"4": "device",
    b"6": "device",
    b"5": "directory",
    b"x": "pax",
    b"g": "pax",
    b"L": "gnu",
    b"K": "gnu",
    b"S": "gnu",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """
    One file of a payload.

    Args:
        name: As the profile generates it.
        size_bytes: Its length.
    """

    name: str
    size_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlacedMember:
    """
    A member of a payload that fits the profile, and where its bytes stand.

    Args:
        name: As the profile generates it; safe as a relative path.
        size_bytes: Its length.
        offset: Of its first byte in the payload.
    """

    name: str
    size_bytes: int
    offset: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    Something in a payload that the profile does not allow.

    Args:
        untrusted_name: The member's name as written there, or empty if it is not a member's fault.
        reason: A fixed word.
    """

    untrusted_name: str
    reason: str


def format_header(member: Member) -> bytes:
    """
    Write a member's header.

    Args:
        member: Its name and length.

    Returns:
        512 bytes.

    Raises:
        MalformedError: the name is not one of the profile, or the length does not fit.

    Source:
        POSIX.1-1988 ustar; the values in docs/reference/formats.md.
    """
    if not _MEMBER_NAME.fullmatch(member.name):
        raise MalformedError("member name")
    if not 0 <= member.size_bytes <= MAX_MEMBER_BYTES:
        raise MalformedError("member size")
    return encode_header(member.name, size_bytes=member.size_bytes)


def encode_header(name: str, *, size_bytes: int) -> bytes:
    """
    Write a header whose name was checked by the caller: backups have other names than tips.

    Args:
        name: In ASCII, at most 100 characters.
        size_bytes: Of the member, at most `MAX_MEMBER_BYTES`.

    Returns:
        512 bytes.

    Source:
        POSIX.1-1988 ustar; the values in docs/reference/formats.md.
    """
    header = bytearray(BLOCK_LEN)
    header[: len(name)] = name.encode("ascii")
    header[100:108] = b"0000600\0"
    header[108:124] = b"0000000\0" * 2
    header[_SIZE_FIELD] = b"%011o\0" % size_bytes
    header[136:148] = b"00000000000\0"
    header[_CHECKSUM_FIELD] = b" " * 8
    header[_TYPE_OFFSET] = ord("0")
    header[257:265] = b"ustar\00000"
    header[329:345] = b"0000000\0" * 2
    header[_CHECKSUM_FIELD] = b"%06o\0 " % sum(header)
    return bytes(header)


def measure_payload(sizes_bytes: Sequence[int]) -> int:
    """
    Count the bytes of a tar before its padding.

    Args:
        sizes_bytes: Each member's length.

    Returns:
        Headers, members rounded up to blocks, and the two closing blocks.
    """
    return sum(BLOCK_LEN + _round_up(size) for size in sizes_bytes) + CLOSING_LEN


def open_payload(
    members: Sequence[tuple[Member, BinaryIO | bytes]], *, payload_len: int
) -> BinaryIO:
    """
    Present members as one padded tar to read from.

    Args:
        members: In the profile's order, each with its bytes or a stream of them.
        payload_len: The whole length, padding included.

    Returns:
        A stream of exactly *payload_len* bytes; memory stays bounded whatever the members' lengths.
        Reading raises MalformedError when a stream gives other than its member's length.

    Raises:
        MalformedError: a name, a length or the order is not the profile's.
        ValueError: *payload_len* does not hold the members.
    """
    names = [member.name for member, _ in members]
    for index, name in enumerate(names):
        if not _MEMBER_NAME.fullmatch(name) or not _is_next(name, names[:index]):
            raise MalformedError("member order")
    padding_len = payload_len - measure_payload([member.size_bytes for member, _ in members])
    if padding_len < 0 or len(members) < len(_FIXED_NAMES):
        raise ValueError("the members do not fit the payload")
    pieces = [
        piece
        for member, source in members
        for piece in (
            (format_header(member), BLOCK_LEN),
            (source, member.size_bytes),
            (None, _round_up(member.size_bytes) - member.size_bytes),
        )
    ]
    raw = _PieceReader([*pieces, (None, CLOSING_LEN + padding_len)])
    return io.BufferedReader(raw, _BUFFER_LEN)


class _PieceReader(io.RawIOBase):
    """Reads pieces one after the other: bytes, streams of a stated length, or zeros (None)."""

    def __init__(self, pieces: Sequence[tuple[BinaryIO | bytes | None, int]]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._source: BinaryIO | None = None
        self._left = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        while self._left == 0:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            source, self._left = piece
            self._source = io.BytesIO(source) if isinstance(source, bytes) else source
            if self._left == 0:
                self._check_exhausted()
        view = view[: self._left]
        if self._source is None:
            view = view[: len(_ZEROS)]
            view[:] = _ZEROS[: len(view)]
            read_len = len(view)
        else:
            read_len = _read_into(self._source, view)
            if read_len == 0:
                raise MalformedError("member size")
        self._left -= read_len
        if self._left == 0:
            self._check_exhausted()
        return read_len

    def _check_exhausted(self) -> None:
        if self._source is not None and self._source.read(1):
            raise MalformedError("member size")


def _read_into(source: BinaryIO, view: memoryview) -> int:
    # Every stream of the standard library has readinto, but the type BinaryIO does not say so.
    if isinstance(source, io.RawIOBase | io.BufferedIOBase):
        return source.readinto(view) or 0
    chunk = source.read(len(view))
    view[: len(chunk)] = chunk
    return len(chunk)


def read_payload(untrusted: BinaryIO) -> tuple[PlacedMember, ...]:
    """
    Judge a payload, strictly and as a whole, before anything of it is unpacked.

    Args:
        untrusted: Seekable, the whole payload.

    Returns:
        Its members, in order. Their bytes are still untrusted.

    Raises:
        ForeignError: it does not fit the profile; the detail is the first fault's reason.
    """
    members = []
    for found in _walk(untrusted):
        if isinstance(found, Fault):
            raise ForeignError(found.reason)
        members.append(found)
    return tuple(members)


def find_faults(untrusted: BinaryIO) -> tuple[Fault, ...]:
    """
    Name what keeps a payload from fitting the profile, as an unpacker would meet it.

    Args:
        untrusted: Seekable, the whole payload.

    Returns:
        At least one fault exactly if `read_payload` refuses the payload; at most `MAX_FAULTS`.
    """
    faults: list[Fault] = []
    for found in _walk(untrusted):
        if isinstance(found, Fault):
            faults.append(found)
            if len(faults) == MAX_FAULTS:
                break
    return tuple(faults)


def _walk(untrusted: BinaryIO) -> Iterator[PlacedMember | Fault]:
    payload_len = untrusted.seek(0, io.SEEK_END)
    if payload_len not in _PAYLOAD_LENS:
        yield Fault(untrusted_name="", reason="length")
    offset = 0
    names: list[str] = []
    while (header := _read_at(untrusted, offset, BLOCK_LEN)) != _ZEROS[:BLOCK_LEN]:
        if len(header) < BLOCK_LEN:
            yield Fault(untrusted_name="", reason="end")
            return
        size_bytes = _find_size(header)
        if size_bytes is None:
            yield Fault(untrusted_name="", reason="header")
            return
        name = _find_name(header)
        if offset + BLOCK_LEN + _round_up(size_bytes) > payload_len:
            yield Fault(untrusted_name=name, reason="size")
            return
        reasons = _find_reasons(header, name=name, size_bytes=size_bytes, before=names)
        names.append(name)
        data_offset, offset = offset + BLOCK_LEN, offset + BLOCK_LEN + _round_up(size_bytes)
        data_end = data_offset + size_bytes
        if _read_at(untrusted, data_end, offset - data_end).strip(b"\0"):
            reasons.append("padding")
        for reason in reasons:
            yield Fault(untrusted_name=name, reason=reason)
        if not reasons:
            yield PlacedMember(name=name, size_bytes=size_bytes, offset=data_offset)
    yield from _judge_end(untrusted, names, offset=offset, payload_len=payload_len)


def _judge_end(
    untrusted: BinaryIO, names: Sequence[str], *, offset: int, payload_len: int
) -> Iterator[Fault]:
    """From the end marker on everything is zero; a header there is a second archive."""
    if len(names) < len(_FIXED_NAMES):
        yield Fault(untrusted_name="", reason="missing")
    if len(names) > len(_FIXED_NAMES) and payload_len == payload_len_of(TEXT_RUNG):
        yield Fault(untrusted_name="", reason="length")
    if payload_len - offset < CLOSING_LEN:
        yield Fault(untrusted_name="", reason="end")
    untrusted.seek(offset)
    while chunk := untrusted.read(_READ_LEN):
        if chunk != _ZEROS[: len(chunk)]:
            reason = "second archive" if b"ustar" in chunk else "padding"
            yield Fault(untrusted_name="", reason=reason)
            return


def _find_size(header: bytes) -> int | None:
    """Where an unpacker would go on; None if it would not take this for a header."""
    blanked = header[:148] + b" " * 8 + header[156:]
    stated = header[_CHECKSUM_FIELD].strip(b" \0")
    size = header[_SIZE_FIELD].strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,7}", stated) or int(stated, 8) != sum(blanked):
        return None
    if not re.fullmatch(rb"[0-7]{1,12}", size):
        return None
    # The length field of a link, a device or a directory has no bytes behind it.
    return 0 if header[_TYPE_OFFSET : _TYPE_OFFSET + 1] in b"123456" else int(size, 8)


def _find_name(header: bytes) -> str:
    name = header[_NAME_FIELD].split(b"\0", 1)[0]
    prefix = header[_PREFIX_FIELD].split(b"\0", 1)[0]
    if prefix and header[_MAGIC_FIELD] == b"ustar\0":
        name = prefix + b"/" + name
    return name.decode("utf-8", "backslashreplace")


def _find_reasons(header: bytes, *, name: str, size_bytes: int, before: list[str]) -> list[str]:
    kind = header[_TYPE_OFFSET : _TYPE_OFFSET + 1]
    reasons = []
    if kind != b"0":
        reasons.append(_TYPE_REASONS.get(kind, "type"))
    if name.startswith("/"):
        reasons.append("absolute")
    if ".." in name.split("/"):
        reasons.append("dotdot")
    if name in before:
        reasons.append("duplicate")
    if reasons:
        return reasons
    if not _MEMBER_NAME.fullmatch(name):
        return ["name"]
    if size_bytes > _LIMITS.get(name, MAX_MEMBER_BYTES):
        return ["size"]
    if header != format_header(Member(name=name, size_bytes=size_bytes)):
        return ["header"]
    return [] if _is_next(name, before) else ["order"]


def _is_next(name: str, before: Sequence[str]) -> bool:
    if len(before) < len(_FIXED_NAMES):
        return name == _FIXED_NAMES[len(before)]
    match = _MEMBER_NAME.fullmatch(name)
    if match is None or match.group(1) is None:
        return False
    folder, number = match.group(1), int(match.group(2))
    file_count = sum(1 for earlier in before if earlier.startswith("files/"))
    originals = [earlier for earlier in before if earlier.startswith("originals/")]
    if folder == "files":
        return not originals and number == file_count + 1
    last = int(originals[-1][len("originals/") :][:2]) if originals else 0
    return last < number <= file_count


def _read_at(untrusted: BinaryIO, offset: int, length: int) -> bytes:
    untrusted.seek(offset)
    return untrusted.read(length)


def _round_up(size_bytes: int) -> int:
    return -(-size_bytes // BLOCK_LEN) * BLOCK_LEN
