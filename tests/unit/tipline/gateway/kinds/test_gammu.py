"""A modem's spool: read, wiped, written. The program itself runs in tests/service."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from tests.service.programs import make_memory_folder
from tipline.errors import GatewayError
from tipline.files import overwrite_file
from tipline.gateway.adapter import RawRequest, Recaller
from tipline.gateway.incoming import Incoming, MediaReference
from tipline.gateway.kinds.gammu import (
    FOLDERS,
    MAX_FILES,
    Gammu,
    is_in_memory,
    name_receiver,
    name_sender,
)
from tipline.gateway.turns import CrowdedError, TooManyError
from tipline.service.limits import BusyError

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
BACKUP = "[SMSBackup000]\nNumberUnicode = 00370033\n{header}Text00 = {text}\nCoding = x\n"


def write_backup(*texts: str, headers: Sequence[str] = ()) -> bytes:
    """A file of the inbox."""
    return "".join(
        BACKUP.format(
            header=f"UDH = {headers[index]}\n" if headers else "",
            text=text.encode("utf-16-be").hex(),
        )
        for index, text in enumerate(texts)
    ).encode()


def list_files(folder: Path) -> list[Path]:
    """List all files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


class Desk:
    """Takes messages, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[Incoming] = []
        self.refusals: list[Exception] = []

    async def __call__(self, messages: Sequence[Incoming]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken += messages


@pytest.fixture
def spool() -> Iterator[Path]:
    """A spool in memory."""
    with make_memory_folder() as folder:
        for name in ("inbox", "outbox", "error"):
            (folder / name).mkdir()
        yield folder


class Looks:
    """A sleep that a test counts, and acts in."""

    def __init__(self) -> None:
        self.count = 0
        self.waiting: dict[int, asyncio.Event] = {}

    async def __call__(self, seconds: float) -> None:
        self.count += 1
        if self.count in self.waiting:
            self.waiting[self.count].set()
        await asyncio.sleep(0)

    async def wait(self, more: int) -> None:
        """Wait for so many looks more."""
        event = self.waiting[self.count + more] = asyncio.Event()
        async with asyncio.timeout(10):
            await event.wait()


@contextlib.asynccontextmanager
async def run(adapter: Gammu, desk: Desk) -> AsyncIterator[None]:
    """Read the spool meanwhile."""
    task = asyncio.create_task(adapter.run(desk))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def make(spool: Path, looks: Looks, *, has_patience: bool = False) -> Gammu:
    """Make the adapter."""
    return Gammu(
        "modem",
        spool=spool,
        clock=lambda: NOW,
        monotonic=lambda: 0.0 if has_patience else float(looks.count),
        sleep=looks,
    )


SENT = "20261121T115959Z"


def write_delivered(
    text: str, *, sent: str = SENT, number: str = "7373", header: str = "", kind: str = "Deliver"
) -> bytes:
    """A file of what the network brought, with the second in which the carrier took it."""
    section = write_backup(text, headers=[header] if header else ()).decode()
    told = f"PDU = {kind}\nDateTime = {sent}\n"
    sender = number.encode("utf-16-be").hex()
    return section.replace("00370033\n", f"{sender}\n{told}").encode()


async def name_all(spool: Path, *files: bytes) -> list[str]:
    """Have the adapter read files, and tell what it calls the messages in them."""
    looks, desk = Looks(), Desk()
    for number, content in enumerate(files):
        (spool / "inbox" / f"IN20261121_120000_{number:02}_+7373_00.txt").write_bytes(content)
    async with run(make(spool, looks), desk):
        await looks.wait(4)
    return [message.provider_id for message in desk.taken]


async def test_message_when_the_network_brings_it_twice_then_it_is_the_same(spool: Path) -> None:
    """A copy has the second in which the carrier took it, whatever else its file holds."""
    copy = write_delivered("hola") + b"; another comment\nFolder = 3\n"
    names = await name_all(spool, write_delivered("hola"), copy)
    assert len(names) == 2
    assert len(set(names)) == 1


PART = "050003290201"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"text": "holas"}),
        ({}, {"sent": "20261121T120000Z"}),
        ({}, {"number": "7374"}),
        ({"header": PART}, {"header": "0500032a0201"}),
        ({"header": PART}, {"header": "050003290202"}),
        ({"header": PART}, {"header": "050003290301"}),
        ({"header": PART}, {}),
        *(
            (change, change)
            for change in (
                {"sent": ""},
                {"kind": "Submit"},
                {"number": ""},
                {"number": "anonymous"},
                {"text": ""},
            )
        ),
    ],
)
async def test_message_when_it_is_another_one_or_may_be_then_it_is_not_the_same(
    spool: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    """What differs is new; so is what cannot be told apart, or has no time of its own."""
    given = [{"text": "hola", **one} for one in (first, second)]
    names = await name_all(spool, *(write_delivered(**one) for one in given))
    assert len(set(names)) == 2


async def test_message_when_it_is_durable_then_its_file_is_overwritten_and_gone(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is wiped in place, and only after the message was taken."""
    looks, desk = Looks(), Desk()
    wiped: list[Path] = []
    desk.refusals = [BusyError(), BusyError()]
    real = overwrite_file

    def wipe(path: Path) -> None:
        wiped.append(path)
        real(path)

    monkeypatch.setattr("tipline.gateway.kinds.gammu.overwrite_file", wipe)
    (spool / "inbox" / "IN1_00_73_00.txt").write_bytes(write_backup("seen"))
    async with run(make(spool, looks), desk):
        await looks.wait(3)
        assert wiped == []
        await looks.wait(3)
    assert [message.text for message in desk.taken] == ["seen"]
    assert wiped == [spool / "inbox" / "IN1_00_73_00.txt"]
    assert list((spool / "inbox").iterdir()) == []


async def test_message_when_its_file_grows_then_it_is_left_until_it_does_not(spool: Path) -> None:
    """A file that is being written is not read."""
    looks, desk = Looks(), Desk()
    path = spool / "inbox" / "IN1_00_73_00.txt"
    whole = write_backup("first", "second", headers=("050003290201", "050003290202"))
    async with run(make(spool, looks), desk):
        for end in range(1, 6):
            path.write_bytes(whole[: len(whole) * end // 6])
            await looks.wait(1)
            assert desk.taken == []
        path.write_bytes(whole)
        await looks.wait(3)
    assert [(message.text, message.part) for message in desk.taken] == [("firstsecond", None)]


async def test_message_when_a_part_is_missing_then_the_others_go_as_parts(spool: Path) -> None:
    """What gammu-smsd could not put together is left to the joining of parts."""
    looks, desk = Looks(), Desk()
    written = write_backup("a", "c", headers=("050003290301", "050003290303"))
    (spool / "inbox" / "IN1_00_73_00.txt").write_bytes(written)
    async with run(make(spool, looks), desk):
        await looks.wait(3)
    assert [message.part and message.part.number for message in desk.taken] == [1, 3]
    assert len({message.provider_id for message in desk.taken}) == 2


async def test_message_when_the_same_file_is_read_again_then_its_id_is_the_same(
    spool: Path,
) -> None:
    """After a crash before the wiping the message is known; another file is another message."""
    path = spool / "inbox" / "IN1_00_73_00.txt"
    path.write_bytes(write_backup("seen"))
    ids = []
    for _ in range(2):
        seen = (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_size)
        (message,) = make(spool, Looks())._read(path, seen)
        ids.append(message.provider_id)
    other = path.with_name("IN1_01_73_00.txt")
    other.write_bytes(path.read_bytes())
    seen = (other.stat().st_ino, other.stat().st_mtime_ns, other.stat().st_size)
    (message,) = make(spool, Looks())._read(other, seen)
    assert ids[0] == ids[1] != message.provider_id


async def test_file_when_it_cannot_be_read_then_it_stays_and_is_told_once(spool: Path) -> None:
    """It may be somebody's message: it is not wiped, and keeps no other from being read."""
    looks, desk = Looks(), Desk()
    (spool / "inbox" / "IN0_broken.txt").write_bytes(b"[SMSBackup000]\n")
    (spool / "inbox" / "IN1_00_73_00.txt").write_bytes(write_backup("seen"))
    adapter = make(spool, looks)
    with pytest.raises(GatewayError, match="gateway_malformed"):
        await adapter.run(desk)
    assert [message.text for message in desk.taken] == ["seen"]
    (spool / "inbox" / "IN2_00_73_00.txt").write_bytes(write_backup("heard"))
    async with run(adapter, desk):
        await looks.wait(5)
    assert [message.text for message in desk.taken] == ["seen", "heard"]
    assert [path.name for path in list_files(spool)] == ["IN0_broken.txt"]


async def test_sender_when_one_sent_too_much_then_the_others_are_served_in_the_same_look(
    spool: Path,
) -> None:
    """A hundred files of one number that are refused hide nobody else's, and are read once."""
    flood = write_backup("flood")
    for index in range(MAX_FILES + 20):
        name = f"IN20261121_1200{index // 60:02}_{index % 60:02}_+525512345678_00.txt"
        (spool / "inbox" / name).write_bytes(flood)
    (spool / "inbox" / "IN20261121_130000_00_+525587654321_00.txt").write_bytes(write_backup("one"))
    looks, reads = Looks(), 0
    adapter, taken = make(spool, looks), []

    async def deliver(messages: Sequence[Incoming]) -> None:
        nonlocal reads
        reads += 1
        if messages[0].text == "flood":
            raise TooManyError
        taken.append((looks.count, messages[0].text))

    task = asyncio.create_task(adapter.run(deliver))
    await looks.wait(2)
    task.cancel()

    assert taken == [(1, "one")]
    assert reads == 2
    assert len(list_files(spool)) == MAX_FILES + 20


async def test_part_when_it_has_to_come_back_then_whole_messages_behind_it_are_taken(
    spool: Path,
) -> None:
    """A whole message needs no place of a part; when all is crowded, one file tells it."""
    inbox, tried = spool / "inbox", []
    is_crowded = True

    async def deliver(messages: Sequence[Incoming]) -> None:
        tried.append(messages[0].text)
        if is_crowded or messages[0].part is not None:
            raise CrowdedError

    async def look() -> list[str]:
        adapter = make(spool, Looks())
        adapter._list_complete()
        tried.clear()
        assert await adapter._look(deliver) is None
        return list(tried)

    for index in range(2):
        name = f"IN20261121_130000_0{index}_+52558765432{index}_00.txt"
        (inbox / name).write_bytes(write_backup("whole"))
    assert await look() == ["whole"]
    is_crowded = False
    for index in range(3):
        name = f"IN20261121_120000_0{index}_+52551234567{index}_00.txt"
        (inbox / name).write_bytes(write_backup("long", headers=("050003290201",)))
    assert await look() == ["long", "long", "long", "whole", "whole"]
    assert len(list_files(inbox)) == 3


def test_sender_when_a_file_is_named_then_it_is_told_apart() -> None:
    """The name tells the sender; any other name is its own."""
    assert name_sender("IN20261121_120000_00_+525512345678_00.txt") == "+525512345678"
    assert name_sender("IN20261121_120000_07_A_B_01.bin") == "A_B"
    assert name_sender("notes.txt") == "notes.txt"


async def test_inbox_when_a_folder_lies_in_it_then_the_others_are_read(spool: Path) -> None:
    """A folder is told once, and stays; no message waits for it."""
    (spool / "inbox" / "A").mkdir()
    (spool / "inbox" / "B").write_bytes(write_backup("hi"))
    looks, desk = Looks(), Desk()
    adapter = make(spool, looks)

    with pytest.raises(GatewayError, match="gateway_malformed"):
        await adapter.run(desk)
    async with run(adapter, desk):
        await looks.wait(2)

    assert [message.text for message in desk.taken] == ["hi"]


async def test_answer_when_the_modem_takes_it_then_it_is_sent(spool: Path) -> None:
    """It stands in the outbox under the number, whole from its first moment, and private."""
    looks = Looks()
    sending = asyncio.create_task(
        make(spool, looks).send("+525512345678", "Recibido \N{GRINNING FACE}")
    )
    await looks.wait(2)
    (path,) = (spool / "outbox").iterdir()
    assert path.name.startswith("OUTC20261121_120000_00_+525512345678_")
    assert path.read_bytes().decode("utf-16") == "Recibido \N{GRINNING FACE}"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not sending.done()
    path.unlink()
    await sending


async def test_answer_when_the_modem_fails_then_it_is_wiped_and_refused(spool: Path) -> None:
    """What gammu-smsd could not send does not stay."""
    looks = Looks()
    sending = asyncio.create_task(make(spool, looks).send("7373", "Recibido"))
    await looks.wait(2)
    (path,) = (spool / "outbox").iterdir()
    path.rename(spool / "error" / path.name)
    with pytest.raises(GatewayError, match="gateway_refused"):
        await sending
    assert list_files(spool) == []


async def test_answer_when_the_modem_fails_between_two_looks_then_it_is_not_said_to_be_sent(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in error was not sent, at whatever moment it came there."""
    looks, real = Looks(), Path.exists

    def exists(path: Path) -> bool:
        found = real(path)
        if path.parent.name == "error" and (spool / "outbox" / path.name).is_file():
            (spool / "outbox" / path.name).rename(path)  # just after it was looked for
        return found

    monkeypatch.setattr(Path, "exists", exists)
    sending = asyncio.create_task(make(spool, looks, has_patience=True).send("7373", "Recibido"))
    await looks.wait(1)
    for path in (spool / "outbox").iterdir():
        path.rename(spool / "error" / path.name)
    with pytest.raises(GatewayError, match="gateway_refused"):
        await sending


async def test_answer_when_its_receiver_ends_the_conversation_then_it_is_taken_back(
    spool: Path,
) -> None:
    """It is wiped, and counts as not sent; answers to others stay."""
    looks = Looks()
    adapter = make(spool, looks, has_patience=True)
    assert isinstance(adapter, Recaller)
    sending = asyncio.create_task(adapter.send("+525512345678", "Recibido"))
    other = asyncio.create_task(adapter.send("+525512345679", "Recibido"))
    while [path.suffix for path in list_files(spool)] != [".txt", ".txt"]:
        await looks.wait(1)
    for path in list_files(spool):
        if "5678" in path.name:
            path.rename(spool / "error" / path.name)
    await adapter.take_back("+525512345678")
    with pytest.raises(GatewayError, match="gateway_unreachable"):
        await sending
    (path,) = list_files(spool)
    assert name_receiver(path.name) == "+525512345679"
    path.unlink()
    await other


async def test_answer_when_the_end_comes_before_it_stands_in_the_outbox_then_it_never_does(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of sending is under way, nothing goes out after the end."""
    adapter, names = make(spool, Looks()), []
    real = adapter._put

    def put(name: str, text: str) -> None:
        asyncio.run_coroutine_threadsafe(adapter.take_back("7373"), loop).result()
        real(name, text)
        names.extend(list_files(spool))

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(adapter, "_put", put)
    with pytest.raises(GatewayError, match="gateway_unreachable"):
        await adapter.send("7373", "Recibido")
    assert names == []


async def test_answer_when_the_line_stops_then_it_is_taken_back(spool: Path) -> None:
    """Its row says that it was not sent: it must not go out in between."""
    looks = Looks()
    adapter = make(spool, looks, has_patience=True)
    sending = asyncio.create_task(adapter.send("7373", "Recibido"))
    await looks.wait(2)
    assert len(list_files(spool)) == 1
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert list_files(spool) == []


@pytest.mark.parametrize("is_sending", [True, False])
async def test_spool_when_a_crash_left_answers_then_they_are_wiped_first(
    spool: Path, *, is_sending: bool
) -> None:
    """Our own answers go, half or whole, sent or not; what others put there stays."""
    answer = "OUTC20261121_120000_00_+525512345678_0123456789abcdef.txt"
    left = [f"outbox/{answer}", f"error/{answer}", "outbox/.0123456789abcdef"]
    others = ["outbox/OUTC20261121_120000_00_7373_sms0.txt", "error/notes", "outbox/.x"]
    for name in left + others:
        (spool / name).write_bytes(b"text")
    looks = Looks()
    adapter = make(spool, looks, has_patience=True)
    if is_sending:
        sending = asyncio.create_task(adapter.send("7373", "Recibido"))
        await looks.wait(2)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    else:
        async with run(adapter, Desk()):
            await looks.wait(2)
    assert {str(path.relative_to(spool)) for path in list_files(spool)} == set(others)


async def test_answer_when_the_modem_does_nothing_then_it_is_taken_back(spool: Path) -> None:
    """After a while it is wiped, and may be tried again."""
    with pytest.raises(GatewayError, match="gateway_unreachable"):
        await make(spool, Looks()).send("7373", "Recibido")
    assert list_files(spool) == []


@pytest.mark.parametrize("to", ["", "../x", "BANCO", "+", "1", "1/2", "1" * 21, "12\n"])
async def test_answer_when_its_address_is_no_number_then_no_file_is_made(
    spool: Path, to: str
) -> None:
    """The number becomes a part of a file's name: nothing else may."""
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make(spool, Looks()).send(to, "Recibido")
    assert list_files(spool) == []


async def test_spool_when_it_is_not_there_then_later_may_help(spool: Path) -> None:
    """A spool without its folders is an error of the gateway, not of ours."""
    (spool / "outbox").rmdir()
    with pytest.raises(GatewayError, match="gateway_unreachable"):
        await make(spool, Looks()).send("7373", "Recibido")


async def test_spool_when_it_lies_on_a_disk_then_it_is_not_read(tmp_path: Path) -> None:
    """What stands in it would stay on the disk."""
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    with pytest.raises(GatewayError, match=r"^gateway_spool$"):
        async with asyncio.timeout(10):  # one that is read is read without end
            await make(tmp_path, Looks()).run(Desk())
    with pytest.raises(GatewayError, match=r"^gateway_spool$"):
        make(tmp_path, Looks()).check()


@pytest.mark.parametrize("name", [".", *FOLDERS])
def test_spool_when_a_folder_is_missing_then_it_is_named_before_the_line_begins(
    spool: Path, name: str
) -> None:
    """A spool that is not there is not one that lies on a disk."""
    make(spool, Looks()).check()
    gone = spool / name
    gone.rename(spool.with_name(f"{spool.name}-elsewhere") if name == "." else spool / "elsewhere")
    try:
        with pytest.raises(GatewayError) as caught:
            make(spool, Looks()).check()
    finally:
        if name == ".":
            spool.with_name(f"{spool.name}-elsewhere").rename(spool)
    assert caught.value.code == "gateway_spool_missing"
    assert caught.value.facts == {"gateway": "modem", "path": str(gone)}


@pytest.mark.parametrize(
    ("kind", "expected"), [("tmpfs", True), ("ramfs", True), ("ext4", False), ("overlay", False)]
)
def test_memory_when_the_kernel_names_a_mount_then_it_is_told(
    tmp_path: Path, kind: str, expected: bool
) -> None:
    """The kernel says on what a path is mounted."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path} rw - {kind} x rw\n")
    assert is_in_memory(tmp_path / "spool", mounts=mounts) == expected


async def test_modem_when_it_is_called_then_it_refuses() -> None:
    """No webhook and no file belongs to a modem."""
    adapter = make(Path(os.devnull), Looks())
    request = RawRequest(method="POST", target="/modem", headers={}, body=b"", received_at=NOW)
    with pytest.raises(GatewayError, match="gateway_signature"):
        adapter.receive(request)
    reference = MediaReference(location="x", media_type="")
    with pytest.raises(GatewayError, match="gateway_refused"):
        await adapter.fetch(reference, limit_bytes=1)
    with pytest.raises(GatewayError, match="gateway_refused"):
        await adapter.forget(reference)
