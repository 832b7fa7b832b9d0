"""
A root in a TPM 2.0, replaced whenever a day, a hold or an epoch dies.

    NV index   0x01800000 + 2 * (21 bits of the slot file's id), or the next one: they take turns
    content    0x01 || root (32) || records' root (32) || id of the root before (8)

Rules:
1. Days, holds and epochs are sealed under the root. A death makes a new root in the other index,
   seals the living anew, and only then overwrites and undefines the old index. What was sealed
   under it, in whatever old block or copy, is opened by nobody: `destroyed`.
2. Records are sealed under a root of their own, which stays: to replace it, every record would have
   to be sealed anew for each that dies early. So a stolen disk opens nothing without this machine,
   but one record's early death is `overwritten`; with its day it is destroyed.
3. Between any two steps a crash leaves one root or both, never none.
4. A root that is not there is an error. No slot is touched: this may be another machine, or its TPM
   was cleared.
5. Secrets go to tpm2-tools by stdin and come by stdout; arguments name indexes only.

Limitations: who is root on the running machine can read the index, as the service does. The wires
to a TPM that is a chip of its own can be listened to. A crash while a slot file is made can leave
an index that nobody uses.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import NO_ROOT, ROOT_ID_BYTES, SECRET_BYTES, Slot, SlotKind
from retention.slot_root import Method, Rotation, SealingKey, Standing

FIRST_INDEX: Final = 0x01800000  # the owner's part of the TPM's range (TCG registry, 2.2)
PLACES: Final = 1 << 21  # pairs of indexes in that part
CONTENT_VERSION: Final = 1
CONTENT_BYTES: Final = 1 + 2 * SECRET_BYTES + ROOT_ID_BYTES
ATTRIBUTES: Final = "ownerread|ownerwrite|no_da"
WRITTEN: Final = "written"  # the attribute that a TPM gives to an index with its first write
TOOL_SECONDS: Final = 60

RunTool = Callable[[Sequence[str], bytes], bytes]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    root: Secret
    records: Secret
    previous: bytes

    def encode(self) -> bytes:
        return bytes([CONTENT_VERSION]) + self.root.reveal() + self.records.reveal() + self.previous

    @classmethod
    def decode(cls, untrusted: bytes, *, index: int) -> _Content | None:
        """Read an index; None if it was overwritten."""
        if untrusted == bytes(CONTENT_BYTES):
            return None
        if len(untrusted) != CONTENT_BYTES or untrusted[0] != CONTENT_VERSION:
            raise SlotError("slot_tpm_taken", index=f"{index:#x}")
        return cls(
            root=Secret(untrusted[1 : 1 + SECRET_BYTES]),
            records=Secret(untrusted[1 + SECRET_BYTES : 1 + 2 * SECRET_BYTES]),
            previous=untrusted[-ROOT_ID_BYTES:],
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A root and the index it lies in."""

    index: int
    content: _Content
    sealing: SealingKey
    records: SealingKey


def run_tool(arguments: Sequence[str], data: bytes) -> bytes:
    """
    Run one of tpm2-tools.

    Args:
        arguments: The tool and its arguments; never a secret.
        data: For its stdin.

    Returns:
        Its stdout.

    Raises:
        SlotError: `slot_tpm_tool`: it is not installed; `slot_tpm`: the TPM refuses.
    """
    try:
        done = subprocess.run(
            arguments, input=data, capture_output=True, check=False, timeout=TOOL_SECONDS
        )
    except FileNotFoundError as exc:
        raise SlotError("slot_tpm_tool", program=arguments[0]) from exc
    except subprocess.TimeoutExpired:
        # Not its cause: the exception holds what was given and what came.
        raise SlotError("slot_tpm", program=arguments[0]) from None
    if done.returncode != 0:
        raise SlotError("slot_tpm", program=arguments[0])
    return done.stdout


class TpmRoot:
    """
    A root in this machine's TPM.

    Args:
        tcti: How tpm2-tools reach the TPM; empty for the system's way.
        random: Where roots and nonces come from.
        run: Runs a tool.
    """

    def __init__(
        self,
        *,
        tcti: str = "",
        random: RandomSource = system_random,
        run: RunTool = run_tool,
    ) -> None:
        self._tcti = tcti
        self._random = random
        self._run = run
        self._current: _Held | None = None
        self._old: _Held | None = None

    def create(self, file_id: bytes) -> None:
        """
        Make the root of a new slot file.

        Args:
            file_id: 16 bytes.

        Raises:
            SlotError: `slot_tpm`, `slot_tpm_tool`.
        """
        content = _Content(
            root=Secret(self._random(SECRET_BYTES)),
            records=Secret(self._random(SECRET_BYTES)),
            previous=NO_ROOT,
        )
        self._save(_find_indexes(file_id)[0], content)

    def attach(self, file_id: bytes) -> None:
        """
        Find the root of a slot file that is being opened.

        Args:
            file_id: 16 bytes.

        Raises:
            SlotError: `slot_root_missing`: this TPM has none for it; `slot_tpm`, `slot_tpm_tool`.
        """
        defined = self._list_indexes()
        held = []
        for index in _find_indexes(file_id):
            if index not in defined:
                continue
            content = self._load(index)
            if content is None:
                self._undefine(index)  # a step that a crash cut short
                continue
            held.append(self._hold(index, content))
        if not held:
            raise SlotError("slot_root_missing")
        # The newer of two names the older.
        held.sort(key=lambda one: any(one.content.previous == other.sealing.id for other in held))
        self._current, self._old = held[-1], held[0] if len(held) > 1 else None
        if self._old is not None and self._current.content.previous != self._old.sealing.id:
            raise SlotError("slot_root_missing")

    def method(self, kind: SlotKind) -> Method:
        """
        Tell what a destruction may be called.

        Args:
            kind: Of the slot.

        Returns:
            `overwritten` for one record, `destroyed` for the rest.
        """
        return Method.OVERWRITTEN if kind is SlotKind.RECORD else Method.DESTROYED

    def rotation(self) -> Rotation | None:
        """
        Give the way to replace this root.

        Returns:
            This object.
        """
        return self

    def pending(self) -> bool:
        """
        Tell whether the old root is there beside the new.

        Returns:
            True between `begin` and `finish`, also after a crash.
        """
        return self._old is not None

    def begin(self) -> None:
        """
        Make a new root in the other index; from now on it seals.

        Raises:
            SlotError: `slot_tpm`, `slot_tpm_tool`.
        """
        current = self._attached()
        content = _Content(
            root=Secret(self._random(SECRET_BYTES)),
            records=current.content.records,
            previous=current.sealing.id,
        )
        index = current.index ^ 1
        self._save(index, content)
        self._old, self._current = current, self._hold(index, content)

    def finish(self) -> None:
        """
        Destroy the old root: overwrite its index, then undefine it.

        Raises:
            SlotError: `slot_tpm`, `slot_tpm_tool`.
        """
        if self._old is None:
            raise RuntimeError("begin comes before finish")
        self._write(self._old.index, bytes(CONTENT_BYTES))
        self._undefine(self._old.index)
        self._old = None

    def standing(self, slot: Slot) -> Standing:
        """
        Tell how a slot stands to this root.

        Args:
            slot: Any.

        Returns:
            See `Standing`.
        """
        current = self._attached()
        if slot.root_id == self._sealing_of(slot.kind).id:
            return Standing.CURRENT
        if slot.kind is SlotKind.RECORD or slot.root_id != current.content.previous:
            return Standing.FOREIGN
        return Standing.SPENT if self._old is None else Standing.OLD

    def seal(self, secret: Secret, *, kind: SlotKind, label: bytes) -> Slot:
        """
        Make a slot of a secret.

        Args:
            secret: 32 bytes.
            kind: Whose it is.
            label: 16 bytes.

        Returns:
            The slot.
        """
        return self._sealing_of(kind).seal(secret, kind=kind, label=label)

    def open(self, slot: Slot) -> Secret:
        """
        Give a slot's secret.

        Args:
            slot: As `seal` made it.

        Returns:
            32 bytes.

        Raises:
            SlotError: `slot_root_other`: sealed under another root; `slot_malformed`: changed.
        """
        if self._old is not None and self.standing(slot) is Standing.OLD:
            return self._old.sealing.open(slot)
        return self._sealing_of(slot.kind).open(slot)

    def _sealing_of(self, kind: SlotKind) -> SealingKey:
        current = self._attached()
        return current.records if kind is SlotKind.RECORD else current.sealing

    def _attached(self) -> _Held:
        if self._current is None:
            raise RuntimeError("attach comes first")
        return self._current

    def _hold(self, index: int, content: _Content) -> _Held:
        return _Held(
            index=index,
            content=content,
            sealing=SealingKey(content.root, random=self._random),
            records=SealingKey(content.records, random=self._random),
        )

    def _tool(self, name: str, *arguments: str, data: bytes = b"") -> bytes:
        tcti = ("-T", self._tcti) if self._tcti else ()
        return self._run((name, *tcti, *arguments), data)

    def _list_indexes(self) -> frozenset[int]:
        listed = self._tool("tpm2_getcap", "handles-nv-index").decode("ascii", "replace")
        words = [line.strip().removeprefix("- ") for line in listed.splitlines()]
        return frozenset(int(word, 16) for word in words if word.startswith("0x"))

    def _save(self, index: int, content: _Content) -> None:
        if index in self._list_indexes():
            if self._load(index) is not None:
                raise SlotError("slot_tpm_taken", index=f"{index:#x}")
            self._undefine(index)
        size = str(CONTENT_BYTES)
        self._tool("tpm2_nvdefine", "-C", "o", "-s", size, "-a", ATTRIBUTES, f"{index:#x}")
        self._write(index, content.encode())

    def _load(self, index: int) -> _Content | None:
        """Read a defined index; None if it holds nothing yet, or nothing any more."""
        # Asked first: a read that fails must not be taken for an index without a root.
        public = self._tool("tpm2_nvreadpublic", f"{index:#x}").decode("ascii", "replace")
        if WRITTEN not in re.split(r"[|\s]", public):
            return None
        found = self._tool("tpm2_nvread", "-C", "o", "-s", str(CONTENT_BYTES), f"{index:#x}")
        return _Content.decode(found, index=index)

    def _write(self, index: int, data: bytes) -> None:
        self._tool("tpm2_nvwrite", "-C", "o", "-i", "-", f"{index:#x}", data=data)

    def _undefine(self, index: int) -> None:
        self._tool("tpm2_nvundefine", "-C", "o", f"{index:#x}")


def _find_indexes(file_id: bytes) -> tuple[int, int]:
    place = int.from_bytes(file_id[:3], "big") % PLACES
    return FIRST_INDEX + 2 * place, FIRST_INDEX + 2 * place + 1
