"""A root in a TPM, against a TPM in software."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import NO_ROOT, Slot, SlotKind
from retention.slot_root import Method, PlainRoot, Standing
from retention.tpm_root import CONTENT_BYTES, TpmRoot, run_tool
from tests.unit.retention.swtpm import Swtpm, run_swtpm

SECRET = Secret(b"s" * 32)
LABEL = b"l" * 16
FILE_IDS = (number.to_bytes(3, "big") + bytes(13) for number in itertools.count(1))


@pytest.fixture(scope="module")
def tpm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swtpm]:
    """One TPM for all tests of this module; each takes a file id of its own."""
    with run_swtpm(tmp_path_factory.mktemp("tpm")) as running:
        yield running


@pytest.fixture
def file_id() -> bytes:
    """The id of a slot file that no other test has."""
    return next(FILE_IDS)


@pytest.fixture
def attach(tpm: Swtpm, file_id: bytes) -> Callable[..., TpmRoot]:
    """Find the root as a program does that was just started."""

    def attach(**more: object) -> TpmRoot:
        root = TpmRoot(tcti=tpm.tcti, **more)  # type: ignore[arg-type]
        root.attach(file_id)
        return root

    return attach


@pytest.fixture
def made(tpm: Swtpm, file_id: bytes) -> None:
    """A root was made for the slot file."""
    TpmRoot(tcti=tpm.tcti).create(file_id)


def seal(root: TpmRoot, kind: SlotKind = SlotKind.DAY) -> Slot:
    return root.seal(SECRET, kind=kind, label=LABEL)


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("kind", [SlotKind.DAY, SlotKind.HOLD, SlotKind.EPOCH, SlotKind.RECORD])
def test_root_when_the_program_was_restarted_then_it_opens_what_it_sealed(
    attach: Callable[..., TpmRoot], kind: SlotKind
) -> None:
    """The root lies in the TPM, so it outlives the program."""
    slot = seal(attach(), kind)
    again = attach()

    assert again.open(slot) == SECRET
    assert again.standing(slot) is Standing.CURRENT
    assert not again.pending()
    assert SECRET.reveal() not in slot.body.reveal()


@pytest.mark.usefixtures("made")
def test_root_when_it_was_replaced_then_what_it_sealed_is_spent(
    attach: Callable[..., TpmRoot],
) -> None:
    """After a replacement nobody opens what was sealed before, in this run or the next."""
    root = attach()
    slot = seal(root)
    root.begin()
    assert root.pending()
    assert root.standing(slot) is Standing.OLD
    assert root.open(slot) == SECRET
    fresh = seal(root)
    root.finish()

    for one in (root, attach()):
        assert not one.pending()
        assert one.standing(slot) is Standing.SPENT
        with pytest.raises(SlotError, match="slot_root_other"):
            one.open(slot)
        assert one.open(fresh) == SECRET


@pytest.mark.usefixtures("made")
def test_root_when_it_was_replaced_then_records_still_open(
    attach: Callable[..., TpmRoot],
) -> None:
    """Records lie under a root of their own, so a replacement costs what the days cost."""
    root = attach()
    slot = seal(root, SlotKind.RECORD)
    for _ in "12":
        root.begin()
        root.finish()

    assert attach().open(slot) == SECRET
    assert attach().standing(slot) is Standing.CURRENT
    assert root.method(SlotKind.RECORD) is Method.OVERWRITTEN
    assert {root.method(kind) for kind in SlotKind if kind is not SlotKind.RECORD} == {
        Method.DESTROYED
    }
    assert root.rotation() is root


@pytest.mark.usefixtures("made")
def test_root_when_a_slot_is_of_another_then_it_is_foreign(
    attach: Callable[..., TpmRoot],
) -> None:
    """What lies under no root, or under one long gone, or under a record's, is not ours."""
    root = attach()
    old = seal(root)
    for _ in "12":
        root.begin()
        root.finish()
    record = seal(root, SlotKind.RECORD)

    for slot in (
        old,
        PlainRoot().seal(SECRET, kind=SlotKind.DAY, label=LABEL),
        PlainRoot().seal(SECRET, kind=SlotKind.RECORD, label=LABEL),
        dataclasses.replace(record, kind=SlotKind.DAY),
    ):
        assert root.standing(slot) is Standing.FOREIGN
        with pytest.raises(SlotError, match="slot_root_other"):
            root.open(slot)


def test_root_when_this_tpm_has_none_then_it_is_an_error(attach: Callable[..., TpmRoot]) -> None:
    """Another machine, or a TPM that was cleared, is named; nothing is begun anew."""
    with pytest.raises(SlotError, match="slot_root_missing"):
        attach()


class Stopped(BaseException):
    """The program ended here."""


class StopAt:
    """Runs tools, and ends the program before the n-th that changes the TPM, or after it."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number = number
        self.after = after
        self.count = 0

    def __call__(self, arguments: Sequence[str], data: bytes) -> bytes:
        if arguments[0] not in ("tpm2_nvdefine", "tpm2_nvwrite", "tpm2_nvundefine"):
            return run_tool(arguments, data)
        self.count += 1
        if self.count == self.number and not self.after:
            raise Stopped
        answer = run_tool(arguments, data)
        if self.count == self.number:
            raise Stopped
        return answer


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_root_when_a_replacement_was_cut_short_then_nothing_that_lives_is_lost(
    attach: Callable[..., TpmRoot], number: int, after: bool
) -> None:
    """Stopped between any two steps, the next program has one root or both, never none."""
    before = attach()
    slot = seal(before)
    stopping = attach(run=StopAt(number, after=after))
    made: list[Slot] = []

    def replace() -> None:
        stopping.begin()
        made.append(seal(stopping))
        stopping.finish()

    with pytest.raises(Stopped):
        replace()

    again = attach()
    if not made and (number, after) != (2, True):
        assert (again.pending(), again.standing(slot)) == (False, Standing.CURRENT)
        assert again.open(slot) == SECRET
        again.begin()
    elif again.pending():
        assert again.open(slot) == SECRET
    else:
        assert again.standing(slot) is Standing.SPENT
        again.begin()
    for fresh in made:
        assert again.open(fresh) == SECRET
    living = seal(again)
    again.finish()

    assert attach().open(living) == SECRET


@pytest.mark.parametrize("number", [1, 2])
def test_root_when_its_making_was_cut_short_then_it_is_made_again(
    tpm: Swtpm, file_id: bytes, attach: Callable[..., TpmRoot], number: int
) -> None:
    """An index without content stands in nobody's way."""
    with pytest.raises(Stopped):
        TpmRoot(tcti=tpm.tcti, run=StopAt(number, after=number == 1)).create(file_id)
    TpmRoot(tcti=tpm.tcti).create(file_id)

    assert attach().open(seal(attach())) == SECRET


@pytest.mark.usefixtures("made")
def test_root_when_it_is_there_already_then_it_is_not_made_again(
    tpm: Swtpm, file_id: bytes, attach: Callable[..., TpmRoot]
) -> None:
    """A root that something is sealed under is never replaced by making one."""
    slot = seal(attach())
    with pytest.raises(SlotError, match="slot_tpm_taken"):
        TpmRoot(tcti=tpm.tcti).create(file_id)

    assert attach().open(slot) == SECRET


def find_index(file_id: bytes) -> str:
    return f"{0x01800000 + 2 * int.from_bytes(file_id[:3], 'big'):#x}"


def test_root_when_its_index_belongs_to_something_else_then_it_is_left(
    tpm: Swtpm, file_id: bytes, attach: Callable[..., TpmRoot]
) -> None:
    """What another program keeps in the TPM is named and not touched."""
    index, tcti = find_index(file_id), ("-T", tpm.tcti)
    foreign = b"f" * CONTENT_BYTES
    define = ["-C", "o", "-s", str(CONTENT_BYTES), "-a", "ownerread|ownerwrite", index]
    run_tool(["tpm2_nvdefine", *tcti, *define], b"")
    run_tool(["tpm2_nvwrite", *tcti, "-C", "o", "-i", "-", index], foreign)
    for act in (attach, lambda: TpmRoot(tcti=tpm.tcti).create(file_id)):
        with pytest.raises(SlotError) as caught:
            act()
        assert caught.value.code == "slot_tpm_taken"
        assert caught.value.facts == {"index": index}

    assert run_tool(["tpm2_nvread", *tcti, "-C", "o", index], b"") == foreign


@pytest.mark.usefixtures("made")
def test_root_when_two_do_not_belong_together_then_it_is_an_error(
    tpm: Swtpm, file_id: bytes, attach: Callable[..., TpmRoot]
) -> None:
    """Two roots of which neither follows the other are not chosen between."""
    root = attach()
    root._save(
        int(find_index(file_id), 16) + 1, dataclasses.replace(root._attached().content, root=SECRET)
    )

    with pytest.raises(SlotError, match="slot_root_missing"):
        attach()


@pytest.mark.usefixtures("made")
def test_root_when_the_tpm_refuses_to_read_then_nothing_is_undefined(
    attach: Callable[..., TpmRoot],
) -> None:
    """A read that fails is not taken for an index that was never written."""

    def refuse(arguments: Sequence[str], data: bytes) -> bytes:
        if arguments[0] == "tpm2_nvread":
            raise SlotError("slot_tpm", program=arguments[0])
        return run_tool(arguments, data)

    with pytest.raises(SlotError, match="slot_tpm"):
        attach(run=refuse)

    assert not attach().pending()


@pytest.mark.usefixtures("made")
def test_root_when_tools_are_run_then_no_secret_is_in_their_arguments(
    attach: Callable[..., TpmRoot],
) -> None:
    """INV-11: arguments are seen by everybody on the machine; secrets go by stdin."""
    seen: list[str] = []
    drawn: list[bytes] = []

    def watch(arguments: Sequence[str], data: bytes) -> bytes:
        seen.extend(arguments)
        drawn.append(data)
        return run_tool(arguments, data)

    root = attach(run=watch)
    root.begin()
    root.finish()

    written = [data for data in drawn if len(data) == CONTENT_BYTES]
    assert len(written) == 2
    for data in written:
        for start in range(CONTENT_BYTES - 8):
            assert data[start : start + 8].hex() not in "".join(seen) or not any(data)


def test_tool_when_it_is_missing_or_fails_then_it_is_named_without_what_it_was_given(
    tpm: Swtpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-11: a failing tool's error holds its name alone."""
    with pytest.raises(SlotError) as caught:
        run_tool(["tpm2_no_such_tool"], b"secret")
    assert (caught.value.code, caught.value.facts) == (
        "slot_tpm_tool",
        {"program": "tpm2_no_such_tool"},
    )
    with pytest.raises(SlotError) as caught:
        run_tool(["tpm2_nvread", "-T", tpm.tcti, "-C", "o", "0x1bfffff"], b"secret")
    assert (caught.value.code, caught.value.facts) == ("slot_tpm", {"program": "tpm2_nvread"})

    def hang(*arguments: object, **more: object) -> None:
        raise subprocess.TimeoutExpired(["x"], 1, output=b"secret")

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(SlotError, match="slot_tpm") as caught:
        run_tool(["tpm2_nvread"], b"secret")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_root_when_used_in_a_wrong_order_then_the_caller_is_told() -> None:
    """Sealing before attaching, or ending what was not begun, is the caller's mistake."""
    with pytest.raises(RuntimeError, match="attach"):
        seal(TpmRoot())
    with pytest.raises(RuntimeError, match="begin"):
        TpmRoot().finish()


def test_root_when_the_way_to_the_tpm_is_the_systems_then_none_is_named(file_id: bytes) -> None:
    """Without a TCTI of ours, the tools go their own way."""
    seen: list[Sequence[str]] = []

    def watch(arguments: Sequence[str], data: bytes) -> bytes:
        seen.append(arguments)
        return b""

    with pytest.raises(SlotError, match="slot_root_missing"):
        TpmRoot(run=watch).attach(file_id)

    assert seen == [("tpm2_getcap", "handles-nv-index")]
    assert bytes(8) == NO_ROOT


def test_swtpm_when_it_ended_then_no_process_is_left(tmp_path: Path) -> None:
    """The tests leave no TPM behind."""
    with run_swtpm(tmp_path / "tpm") as running:
        port = running.tcti.rpartition("=")[2]
    with pytest.raises(SlotError, match="slot_tpm"):
        run_tool(["tpm2_getcap", "-T", f"swtpm:host=127.0.0.1,port={port}", "algorithms"], b"")
