"""The payload's frozen profile: what is written, and what is refused, by what reason."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest

from crypto import tar as tar_module
from crypto.errors import ForeignError, MalformedError
from crypto.ladder import RUNGS, TEXT_RUNG, payload_len_of
from crypto.tar import (
    Fault,
    Member,
    PlacedMember,
    find_faults,
    format_header,
    measure_payload,
    open_payload,
    read_payload,
)

SMALL = payload_len_of(RUNGS[1])
BODY = b'{"version":1,"text":"hello"}'
HEAD = [("tip.json", BODY), ("text.txt", b"hello")]


def header(name: bytes, size: int, **fields: bytes) -> bytes:
    """A ustar header that need not follow the profile, with a right checksum."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000600\0"
    block[108:124] = b"0000000\0" * 2
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = fields.get("type", b"0")
    block[157 : 157 + len(fields.get("link", b""))] = fields.get("link", b"")
    block[257:265] = fields.get("magic", b"ustar\00000")
    block[329:345] = b"0000000\0" * 2
    block[345 : 345 + len(fields.get("prefix", b""))] = fields.get("prefix", b"")
    if "size_field" in fields:
        block[124:136] = fields["size_field"]
    if "mode" in fields:
        block[100:108] = fields["mode"]
    block[148:156] = fields.get("checksum", b"%06o\0 " % sum(block))
    return bytes(block)


def member(name: bytes, body: bytes = b"", **fields: bytes) -> bytes:
    """A header and its bytes, rounded up."""
    return header(name, len(body), **fields) + body + bytes(-len(body) % 512)


def payload(*pieces: bytes, length: int = SMALL, end: bytes = bytes(1024)) -> io.BytesIO:
    """The two required members, then the pieces, the end and the padding."""
    head = b"".join(member(name.encode(), body) for name, body in HEAD)
    return io.BytesIO((head + b"".join(pieces) + end).ljust(length, b"\0"))


def written(*more: tuple[str, bytes], length: int = SMALL) -> bytes:
    """What our writer makes of the two required members and more."""
    members = [*HEAD, *more]
    return open_payload(
        [(Member(name=name, size_bytes=len(body)), body) for name, body in members],
        payload_len=length,
    ).read()


def test_header_when_written_then_it_is_the_one_of_the_formats_page() -> None:
    """Every byte of the header is fixed but name, size and checksum."""
    expected = header(b"files/01.jpg", 0o1234)

    assert format_header(Member(name="files/01.jpg", size_bytes=0o1234)) == expected


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("tip.json ", 1),
        ("files/1.jpg", 1),
        ("files/01.JPG", 1),
        ("files/01.toolong", 1),
        ("files/01.", 1),
        ("../tip.json", 1),
        ("files/٠١.jpg", 1),
        ("tip.json", -1),
        ("tip.json", 8**11),
    ],
)
def test_header_when_the_member_is_not_of_the_profile_then_it_is_refused(
    name: str, size: int
) -> None:
    """No header is written for what would not be read."""
    with pytest.raises(MalformedError):
        format_header(Member(name=name, size_bytes=size))


def test_payload_when_written_then_it_reads_back() -> None:
    """The reader finds each member where the writer put it."""
    value = written(("files/01.jpg", b"x" * 513), ("files/02.a", b""), ("originals/02.raw", b"y"))
    members = read_payload(io.BytesIO(value))

    assert [(m.name, value[m.offset : m.offset + m.size_bytes]) for m in members] == [
        *HEAD,
        ("files/01.jpg", b"x" * 513),
        ("files/02.a", b""),
        ("originals/02.raw", b"y"),
    ]
    assert find_faults(io.BytesIO(value)) == ()


def test_payload_when_written_then_python_and_the_measure_agree() -> None:
    """An independent reader finds the same files, and the tar ends where it was measured."""
    value = written(("files/01.jpg", b"x" * 700))
    with tarfile.open(fileobj=io.BytesIO(value)) as archive:
        found = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]  # every member is a file

    assert found == {**dict(HEAD), "files/01.jpg": b"x" * 700}
    used = measure_payload([len(BODY), 5, 700])
    assert used == 512 * (2 + 2 + 3 + 2)
    assert not any(value[used - 1024 :])
    assert value[used - 1024 - 512 :][:188] == b"x" * 188


@pytest.mark.parametrize(
    "names",
    [
        ["text.txt", "tip.json"],
        ["tip.json", "tip.json"],
        ["tip.json", "text.txt", "files/02.a"],
        ["tip.json", "text.txt", "files/01.a", "files/01.b"],
        ["tip.json", "text.txt", "originals/01.a"],
        ["tip.json", "text.txt", "files/01.a", "originals/02.a"],
        ["tip.json", "text.txt", "files/01.a", "originals/01.a", "files/02.a"],
        ["tip.json", "text.txt", "files/01.a", "originals/01.a", "originals/01.b"],
        ["tip.json", "text.txt", "tip.json"],
        ["tip.json", "text.txt", "readme"],
    ],
)
def test_payload_when_the_order_is_off_then_it_is_not_written_and_not_read(
    names: list[str],
) -> None:
    """Writer and reader hold the same order."""
    with pytest.raises(MalformedError):
        open_payload([(Member(name=name, size_bytes=0), b"") for name in names], payload_len=SMALL)
    value = b"".join(member(name.encode()) for name in names).ljust(SMALL, b"\0")
    with pytest.raises(ForeignError):
        read_payload(io.BytesIO(value))


def test_payload_when_it_does_not_fit_then_the_caller_is_told() -> None:
    """A payload too small for its members, or without the two required, is the caller's mistake."""
    with pytest.raises(ValueError, match="fit"):
        written(length=2048)
    with pytest.raises(ValueError, match="fit"):
        open_payload([(Member(name="tip.json", size_bytes=0), b"")], payload_len=SMALL)


@pytest.mark.parametrize("stated", [0, 4, 6])
def test_payload_when_a_stream_gives_another_length_then_reading_fails(stated: int) -> None:
    """A file that grew or shrank since it was measured is never sealed wrongly."""
    members = [
        *((Member(name=name, size_bytes=len(body)), body) for name, body in HEAD),
        (Member(name="files/01.a", size_bytes=stated), io.BytesIO(b"abcde")),
    ]

    with pytest.raises(MalformedError) as caught:
        open_payload(members, payload_len=SMALL).read()
    assert caught.value.detail == "member size"


def test_payload_when_a_stream_gives_little_at_a_time_then_nothing_is_lost(
    short_reads: Callable[[bytes], io.RawIOBase],
) -> None:
    """Any stream will do, also one that knows nothing but `read`."""

    class OnlyRead:
        def __init__(self, value: bytes) -> None:
            self.inner = short_reads(value)

        def read(self, size: int = -1) -> bytes:
            return self.inner.read(size) or b""

    body = bytes(range(256)) * 5
    members = [
        *((Member(name=name, size_bytes=len(value)), value) for name, value in HEAD),
        (Member(name="files/01.a", size_bytes=len(body)), OnlyRead(body)),
    ]
    value = open_payload(members, payload_len=SMALL).read()  # type: ignore[arg-type]  # duck

    assert value == written(("files/01.a", body))


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("link", payload(member(b"files/01.a", type=b"2", link=b"/etc/passwd"))),
        ("link", payload(member(b"files/01.a", type=b"1", link=b"tip.json"))),
        ("absolute", payload(member(b"/etc/cron.d/x", b"x"))),
        ("absolute", payload(member(b"x", b"x", prefix=b"/etc"))),
        ("dotdot", payload(member(b"files/../../x", b"x"))),
        ("dotdot", payload(member(b"x", b"x", prefix=b".."))),
        ("device", payload(member(b"files/01.a", type=b"3"))),
        ("device", payload(member(b"files/01.a", type=b"4"))),
        ("device", payload(member(b"files/01.a", type=b"6"))),
        ("directory", payload(member(b"files/", type=b"5"))),
        ("pax", payload(member(b"x", b"20 path=../../../x\n", type=b"x"))),
        ("pax", payload(member(b"x", b"20 path=../../../x\n", type=b"g"))),
        ("gnu", payload(member(b"././@LongLink", b"../x\0", type=b"L"))),
        ("gnu", payload(member(b"././@LongLink", b"../x\0", type=b"K"))),
        ("gnu", payload(member(b"files/01.a", type=b"S"))),
        ("type", payload(member(b"files/01.a", type=b"7"))),
        ("type", payload(member(b"files/01.a", type=b"\0"))),
        ("duplicate", payload(member(b"tip.json", BODY))),
        ("order", payload(member(b"files/02.a", b"x"))),
        ("order", payload(member(b"originals/01.a", b"x"))),
        ("name", payload(member(b"readme.txt", b"x"))),
        ("name", payload(member(b"files/01.jpg\xff", b"x"))),
        ("header", payload(member(b"files/01.a", b"x", mode=b"0004755\0"))),
        ("header", payload(member(b"files/01.a", b"x", magic=b"ustar  \0"))),
        ("header", payload(member(b"files/01.a", b"x", link=b"tip.json"))),
        ("header", payload(member(b"files/01.a", b"", size_field=b"          0\0"))),
        ("header", payload(member(b"files/01.a", checksum=b"000000\0 "))),
        ("header", payload(member(b"files/01.a", checksum=b"notoct\0 "))),
        ("header", payload(member(b"files/01.a", size_field=b"\x80" + bytes(11)))),
        ("header", payload(b"x" * 512)),
        ("size", payload(member(b"files/01.a", size_field=b"77777777777\0"))),
        ("padding", payload(member(b"files/01.a", b"x")[:-1] + b"x")),
        ("padding", payload(end=bytes(1023) + b"x")),
        ("padding", payload(end=bytes(4096) + b"x")),
        ("second archive", payload(end=bytes(1024) + member(b"tip.json", BODY))),
        ("second archive", payload(end=bytes(512) + member(b"tip.json", BODY))),
        ("length", payload(length=SMALL - 1)),
        ("length", payload(length=SMALL + 512)),
        ("length", payload(member(b"files/01.a", b"x"), length=payload_len_of(TEXT_RUNG))),
        ("length", io.BytesIO(b"")),
        ("missing", io.BytesIO(bytes(SMALL))),
        ("missing", io.BytesIO(member(b"tip.json", BODY).ljust(SMALL, b"\0"))),
    ],
)
def test_payload_when_it_breaks_the_profile_then_the_reason_is_named(
    reason: str, value: io.BytesIO
) -> None:
    """Each way out of the profile is refused, by its own word."""
    with pytest.raises(ForeignError) as caught:
        read_payload(value)

    assert caught.value.detail == reason
    assert reason in {fault.reason for fault in find_faults(value)}


@pytest.mark.parametrize(("blocks", "fits"), [(0, False), (1, False), (2, True)])
def test_payload_when_the_end_marker_is_short_then_it_is_foreign(blocks: int, fits: bool) -> None:
    """Two whole zero blocks must follow the last member, even if the length is a rung's."""
    head_len = sum(512 + 512 for _ in HEAD)
    body_len = (SMALL // 512 - blocks) * 512 - head_len - 512
    value = payload(member(b"files/01.a", b"x" * body_len), end=b"")

    assert len(value.getvalue()) == SMALL
    if fits:
        assert len(read_payload(value)) == 3
    else:
        with pytest.raises(ForeignError) as caught:
            read_payload(value)
        assert caught.value.detail == "end"


def test_payload_when_limits_of_the_text_members_are_exceeded_then_it_is_foreign() -> None:
    """`tip.json` and `text.txt` are read whole, so their lengths are bounded."""
    large = payload_len_of(RUNGS[3])
    long_text = io.BytesIO(
        (member(b"tip.json", BODY) + member(b"text.txt", b"x" * 262_145)).ljust(large, b"\0")
    )
    long_fields = io.BytesIO(
        (member(b"tip.json", b"x" * (2**20 + 1)) + member(b"text.txt", b"x")).ljust(large, b"\0")
    )

    for value in (long_text, long_fields):
        with pytest.raises(ForeignError) as caught:
            read_payload(value)
        assert caught.value.detail == "size"


def test_faults_when_there_are_several_then_each_is_named_with_its_member() -> None:
    """A person is told of every member, not of the first alone."""
    value = payload(
        member(b"files/01.a", type=b"2", link=b"x"),
        member(b"../\x1b[1m\xff", b"x"),
        member(b"/dev/null", type=b"3"),
    )

    assert find_faults(value) == (
        Fault(untrusted_name="files/01.a", reason="link"),
        Fault(untrusted_name="../\x1b[1m\\xff", reason="dotdot"),
        Fault(untrusted_name="/dev/null", reason="device"),
        Fault(untrusted_name="/dev/null", reason="absolute"),
    )


def test_faults_when_there_are_thousands_then_a_hundred_are_named() -> None:
    """A hostile payload cannot make the list endless."""
    value = payload(*(member(b"x", type=b"2") for _ in range(300)), length=SMALL)

    assert len(find_faults(value)) == tar_module.MAX_FAULTS


def test_reader_when_it_refuses_then_good_members_do_not_count() -> None:
    """The first fault decides, whatever good members stood before it."""
    value = payload(member(b"files/01.a", b"good"), member(b"files/02.a", type=b"2"))

    with pytest.raises(ForeignError):
        read_payload(value)
    assert find_faults(value) == (Fault(untrusted_name="files/02.a", reason="link"),)


def test_placed_member_when_read_then_it_names_its_place(
    text_payload: Callable[..., bytes],
) -> None:
    """Offsets are those of the bytes, behind the header."""
    assert read_payload(io.BytesIO(text_payload())) == (
        PlacedMember(name="tip.json", size_bytes=28, offset=512),
        PlacedMember(name="text.txt", size_bytes=5, offset=1536),
    )
