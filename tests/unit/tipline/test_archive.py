"""The tar inside a backup: written, read, and refused whatever is not in its profile."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from crypto.age.file import open_, seal
from crypto.age.hybrid import HybridIdentity
from crypto.age.scrypt import ScryptIdentity, ScryptRecipient
from crypto.errors import CryptoError, MalformedError, TooLargeError
from crypto.secret import Secret
from crypto.tar import BLOCK_LEN, MAX_MEMBER_BYTES, encode_header
from tipline.archive import END, MAX_IN_MEMORY_BYTES, ArchiveReader, ArchiveSource, Kept

HEAD = Kept(name="backup.json", content=b"{}\n")
PART_BYTES = 1000


class RefusedError(Exception):
    """What the first member says is not what was hoped for."""


def write(files: Iterable[Kept], *, part_bytes: int = PART_BYTES) -> bytes:
    """Make an archive."""
    return io.BufferedReader(ArchiveSource(files, part_bytes=part_bytes)).read()


def member(name: str, content: bytes = b"", **fields: bytes) -> bytes:
    """Make a member, with fields of its header written over and the checksum set right."""
    header = bytearray(encode_header(name, size_bytes=len(content)))
    places = {"size": 124, "type": 156, "link": 157, "mode": 100, "time": 136, "prefix": 345}
    for field, value in fields.items():
        header[places[field] : places[field] + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content + bytes(-len(content) % BLOCK_LEN)


def read(
    archive: bytes,
    folder: Path,
    *,
    piece_bytes: int = 700,
    on_first: Callable[[bytes], object] = lambda content: None,
    off_disk: dict[str, Callable[[bytes], object]] | None = None,
) -> dict[str, bytes]:
    """Take an archive in pieces; give what was laid into the folder."""
    folder.mkdir(mode=0o700)
    reader = ArchiveReader(folder, on_first=on_first, off_disk=off_disk)
    with contextlib.closing(reader):
        for start in range(0, len(archive), piece_bytes):
            reader.write(archive[start : start + piece_bytes])
        reader.finish()
    return list_files(folder)


def list_files(folder: Path) -> dict[str, bytes]:
    """Tell what is in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("piece_bytes", [1, 511, 512, 513, 1 << 20])
def test_archive_when_read_in_any_pieces_then_the_files_are_the_same(
    tmp_path: Path, piece_bytes: int
) -> None:
    """Files, empty ones and long ones, in folders and not, come out as they went in, private."""
    (tmp_path / "long").write_bytes(bytes(range(256)) * 10)
    files = [
        HEAD,
        Kept(name="keys/service.key", content=b"k"),
        Kept(name="empty"),
        Kept(name="tipline.db", path=tmp_path / "long"),
        Kept(name="envelopes/a", content=b"e" * PART_BYTES),
    ]
    found = read(write(files), tmp_path / "out", piece_bytes=piece_bytes)
    assert found == {
        "backup.json": HEAD.content,
        "keys/service.key": b"k",
        "empty": b"",
        "tipline.db": bytes(range(256)) * 10,
        "envelopes/a": b"e" * PART_BYTES,
    }
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*")}
    assert modes == {0o600, 0o700}


def test_archive_when_a_program_that_is_not_ours_reads_it_then_it_is_a_tar(tmp_path: Path) -> None:
    """Cut files are members of their own; nothing in a header says who, when or where."""
    archive = write([HEAD, Kept(name="log.db", content=b"x" * (2 * PART_BYTES + 1))])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert [(one.name, one.size) for one in tar] == [
            ("backup.json", len(HEAD.content)),
            ("log.db", PART_BYTES),
            ("log.db.001", PART_BYTES),
            ("log.db.002", 1),
        ]
        assert {(one.uid, one.gid, one.mtime, one.uname, one.mode) for one in tar} == {
            (0, 0, 0, "", 0o600)
        }


def test_source_when_read_then_every_byte_is_told() -> None:
    """Progress adds up to what was read."""
    told: list[int] = []
    archive = io.BufferedReader(ArchiveSource([HEAD], on_bytes=told.append)).read()
    assert (sum(told), len(archive)) == (len(archive), 4 * BLOCK_LEN)
    assert ArchiveSource([]).readable()


def test_source_when_a_file_became_shorter_then_the_backup_fails(tmp_path: Path) -> None:
    """What was measured has to be there: a backup is never filled up with something else."""
    path = tmp_path / "file"
    path.write_bytes(bytes(3000))
    kept = Kept(name="file", path=path)
    source = ArchiveSource([HEAD, kept], part_bytes=1 << 20)
    pieces = [source.read(BLOCK_LEN) for _ in range(4)]
    assert all(pieces)
    path.write_bytes(bytes(100))
    with pytest.raises(OSError, match="became shorter"):
        io.BufferedReader(source).read()


def test_source_when_a_file_is_a_link_then_it_is_not_followed(tmp_path: Path) -> None:
    """Nothing from elsewhere comes into a backup."""
    (tmp_path / "real").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="symbolic links"):
        write([Kept(name="file", path=tmp_path / "link")])


@pytest.mark.parametrize(
    "name",
    [
        *("", "/etc/passwd", "..", "a/../b", "./a", "a//b", "a/b/c/d", ".hidden", "a/.b", "a b"),
        *("a/", "ñ", "a\n", "x" * 65, "/".join(["y" * 40] * 3)),
    ],
)
def test_name_when_it_leads_elsewhere_or_is_odd_then_neither_written_nor_read(
    tmp_path: Path, name: str
) -> None:
    """Absolute paths, ways upwards, hidden names and long ones are refused on both sides."""
    with pytest.raises(MalformedError):
        write([Kept(name=name)])
    raw = name.encode("latin-1")[:100]
    header = bytearray(member("a"))
    header[:100] = raw.ljust(100, b"\0")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:BLOCK_LEN])
    with pytest.raises(MalformedError):
        read(write([HEAD])[: -len(END)] + bytes(header) + END, tmp_path / "out")
    assert list_files(tmp_path / "out").keys() <= {"backup.json"}
    assert not (tmp_path / "b").exists()


def with_end(*members: bytes) -> bytes:
    return write([HEAD])[: -len(END)] + b"".join(members) + END


BAD = {
    "a symbolic link": with_end(member("a", type=b"2", link=b"/etc/passwd")),
    "a hard link": with_end(member("a", type=b"1", link=b"backup.json")),
    "a directory": with_end(member("a", type=b"5")),
    "a device": with_end(member("a", type=b"3")),
    "a long name of GNU's": with_end(member("a", b"b" * 100, type=b"L")),
    "extended headers": with_end(member("a", b"30 path=/etc/passwd\n", type=b"x")),
    "a prefix": with_end(member("a", prefix=b"/etc")),
    "rights for all": with_end(member("a", mode=b"0004777\0")),
    "a time": with_end(member("a", time=b"00000000001\0")),
    "a size with a sign": with_end(member("a", b"x", size=b"-0000000001\0")),
    "a size with a space": with_end(member("a", b"x", size=b"          1\0")),
    "a size in base 256": with_end(member("a", b"x", size=b"\x80" + bytes(10) + b"\x01")),
    "a size beyond what is read": with_end(member("a", size=b"77777777777\0")),
    "a checksum of another header": with_end(b"b" + member("a")[1:]),
    "a name without an end": with_end(b"a" * BLOCK_LEN),
    "no header at all": with_end(b"\xff" * BLOCK_LEN),
    "padding that is none": with_end(member("a", b"x")[:-1] + b"x"),
    "a member twice": with_end(member("a"), member("a")),
    "a member twice, with another between": with_end(member("a"), member("b"), member("a")),
    "the first member again": with_end(member("backup.json", b"{}\n")),
    "a part twice": with_end(member("a"), member("a.001"), member("a.001")),
    "a file under a file": with_end(member("a"), member("a/b")),
    "a file two under a file": with_end(member("a"), member("a/b/c")),
    "a file where a folder is": with_end(member("a/b"), member("a")),
    "bytes after the end": with_end() + bytes(1),
    "a block after the end": with_end() + bytes(BLOCK_LEN),
    "a member after the end": with_end() + member("a") + END,
    "a second archive": with_end() + with_end(),
    "an end of one block": with_end()[:-BLOCK_LEN],
    "an end that is cut": with_end()[:-1],
    "no end": with_end()[: -len(END)],
    "an end that is not all zeros": with_end()[:-1] + b"x",
    "a member that is cut": with_end(member("a", b"x" * 600))[: -len(END) - BLOCK_LEN],
    "a header that is cut": with_end(member("a"))[: -len(END) - 1],
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("piece_bytes", [1, 1 << 20])
def test_archive_when_it_is_not_in_its_profile_then_refused(
    tmp_path: Path, name: str, piece_bytes: int
) -> None:
    """Each of these has one defect; nothing is laid outside the folder, and no link is made."""
    with pytest.raises((MalformedError, TooLargeError)):
        read(BAD[name], tmp_path / "out", piece_bytes=piece_bytes)
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_archive_when_cut_at_any_byte_then_refused(tmp_path: Path) -> None:
    """No beginning of an archive is an archive."""
    archive = write([HEAD, Kept(name="a", content=b"x" * 600), Kept(name="b")])
    for length in range(0, len(archive), 97):
        with pytest.raises(MalformedError):
            read(archive[:length], tmp_path / str(length))
    with pytest.raises(MalformedError):
        read(archive[:-1], tmp_path / "last")
    assert read(archive, tmp_path / "whole").keys() == {"backup.json", "a", "b"}


def test_archive_when_a_part_does_not_follow_its_file_then_it_is_a_file_of_its_own(
    tmp_path: Path,
) -> None:
    """A part is joined to the file right before it; nothing is ever put behind another file."""
    found = read(
        with_end(member("a", b"1"), member("b"), member("a.001", b"2"), member("a.002", b"3")),
        tmp_path / "out",
    )
    assert (found["a"], found["a.001"], found["a.002"]) == (b"1", b"2", b"3")
    found = read(
        with_end(member("a", b"1"), member("a.002", b"2"), member("a.000", b"3")),
        tmp_path / "again",
    )
    assert (found["a"], found["a.002"], found["a.000"]) == (b"1", b"2", b"3")


def test_archive_when_the_first_member_is_not_wanted_then_nothing_is_laid(tmp_path: Path) -> None:
    """Another line's backup, or a newer one, is refused before its files are there."""

    def refuse(content: bytes) -> None:
        assert content == HEAD.content
        raise RefusedError

    with pytest.raises(RefusedError):
        read(write([HEAD, Kept(name="a")]), tmp_path / "out", on_first=refuse)
    assert list_files(tmp_path / "out").keys() <= {"backup.json"}


def test_archive_when_a_member_must_reach_no_disk_then_it_is_told_and_not_laid(
    tmp_path: Path,
) -> None:
    """A key that is carried goes from the sealed file into memory."""
    told: list[bytes] = []
    files = [HEAD, Kept(name="slots/key", content=b"k" * 32), Kept(name="slots/file", content=b"f")]
    found = read(write(files), tmp_path / "out", off_disk={"slots/key": told.append})
    assert told == [b"k" * 32]
    assert found == {"backup.json": HEAD.content, "slots/file": b"f"}


@pytest.mark.parametrize("name", ["backup.json", "slots/key"])
def test_archive_when_what_is_read_into_memory_is_long_then_refused_before_it_is(
    tmp_path: Path, name: str
) -> None:
    """A first member of eight gigabytes fills no memory: its header alone is enough."""
    told: list[bytes] = []
    before = b"" if name == HEAD.name else write([HEAD])[: -len(END)]
    header = encode_header(name, size_bytes=MAX_MEMBER_BYTES)
    with pytest.raises(TooLargeError):
        read(before + header, tmp_path / "out", off_disk={"slots/key": told.append})
    at_most = member(name, bytes(MAX_IN_MEMORY_BYTES))
    read(before + at_most + END, tmp_path / "good", off_disk={"slots/key": told.append})


def test_reader_when_it_is_closed_early_then_its_file_is_closed(tmp_path: Path) -> None:
    """A reading that was broken off keeps no file open."""
    before = set(Path("/proc/self/fd").iterdir())
    reader = ArchiveReader(tmp_path, on_first=lambda content: None)
    reader.write(with_end(member("a", b"x" * 600))[: 2 * BLOCK_LEN + BLOCK_LEN + 100])
    assert set(Path("/proc/self/fd").iterdir()) != before
    reader.close()
    reader.close()
    assert set(Path("/proc/self/fd").iterdir()) == before


def open_into(sealed: bytes, folder: Path, identity: HybridIdentity | ScryptIdentity) -> None:
    """Open a sealed archive, as a restore does."""
    folder.mkdir()
    with contextlib.closing(ArchiveReader(folder, on_first=lambda content: None)) as reader:
        open_(cast("BinaryIO", io.BytesIO(sealed)), reader, identities=[identity])
        reader.finish()


def test_archive_when_its_file_is_opened_by_somebody_else_then_nothing_comes(
    tmp_path: Path,
) -> None:
    """A wrong identity, a wrong passphrase, a file that is cut or changed: each is refused."""
    right, wrong = HybridIdentity.generate(), HybridIdentity.generate()
    archive = write([HEAD, Kept(name="a", content=os.urandom(200_000))], part_bytes=1 << 30)
    out = io.BytesIO()
    seal(cast("BinaryIO", io.BytesIO(archive)), out, recipients=[right.recipient()])
    sealed = out.getvalue()
    open_into(sealed, tmp_path / "right", right)
    cases = {
        "no_match": (sealed, wrong),
        "forged": (sealed[:-1], right),
        "forged chunk": (sealed[: len(sealed) - 70_000], right),
        "forged byte": (sealed[:-30] + bytes([sealed[-30] ^ 1]) + sealed[-29:], right),
        "forged end": (sealed + b"x", right),
        "malformed": (b"not age", right),
    }
    for name, (content, identity) in cases.items():
        with pytest.raises(CryptoError) as caught:
            open_into(content, tmp_path / name, identity)
        assert caught.value.code == name.split()[0]
    out = io.BytesIO()
    recipient = ScryptRecipient(Secret(b"correct horse"), work_factor=10)
    seal(cast("BinaryIO", io.BytesIO(archive)), out, recipients=[recipient])
    with pytest.raises(CryptoError) as caught:
        open_into(out.getvalue(), tmp_path / "passphrase", ScryptIdentity(Secret(b"wrong")))
    assert caught.value.code == "wrong_passphrase"
    assert list_files(tmp_path / "passphrase") == {}
