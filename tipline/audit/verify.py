"""
Verifying a log.

1. The checkpoint is signed by the log's key, and by a quorum of the witnesses.
2. It is not shorter than the one the auditor kept.
3. The tree rebuilt from the raw entries has the signed root, and had the kept one.
4. Every tile that is served is the tree's.
5. Every promise is held against what happened.

What the promises say is judged only if the entries are those that were signed.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from tipline.audit.errors import ForgedError, InputError, MalformedError
from tipline.audit.events import KeysetUsed
from tipline.audit.findings import Finding, Findings, Kind
from tipline.audit.hold_texts import Handed
from tipline.audit.kept import Kept
from tipline.audit.notes import MAX_CHECKPOINT_BYTES, Checkpoint, Key, verify_checkpoint
from tipline.audit.places import CHECKPOINT_PATH
from tipline.audit.rebuild import Rebuild, Rebuilt
from tipline.audit.replay import Replay, Seen
from tipline.audit.source import Source
from tipline.audit.tree import GrowingTree

# What replaces nothing that was kept, and what no witness signs.
_OTHER_HISTORY: Final = (Kind.FORK, Kind.ROLLED_BACK, Kind.BELOW_QUORUM, Kind.WRONG_KEYSET)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """
    Whom the auditor believes.

    Args:
        log: The log's key.
        root: The desk root's verifier key, or None if it was not given.
        witnesses: Who may cosign.
        quorum: How many of them must; 0 with no witness.
        keyset: From which all this comes, or None if the auditor typed it.
    """

    log: Key
    root: str | None = None
    witnesses: tuple[Key, ...] = ()
    quorum: int = 0
    keyset: KeysetUsed | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What a verification says.

    Args:
        trust: Whom it believed.
        today: On which day.
        checkpoint: What was verified; None if it does not hold.
        before: The checkpoint kept from before, if there was one: of several the one from which
            the log parted, or else the largest.
        findings: The gravest first.
        omitted_len: How many more there are.
        replay: What the log said; None if the promises could not be judged.
        tree: Of the entries; None likewise.
        read_len: How many entries were read this time.
    """

    trust: Trust
    today: datetime.date
    checkpoint: Checkpoint | None
    before: Checkpoint | None
    findings: tuple[Finding, ...]
    omitted_len: int
    replay: Replay | None
    tree: GrowingTree | None
    read_len: int

    @property
    def is_split_view_possible(self) -> bool:
        """Whether nobody but the operator vouches that all see one history."""
        return not self.trust.witnesses

    def keep(self) -> Kept | None:
        """
        Say what to keep for the next time.

        Returns:
            It, or None if this log must not replace what was kept.
        """
        if self.checkpoint is None or self.replay is None or self.tree is None:
            return None
        if self.replay.is_over:
            # The rest was not judged, and would never be: the older state sees it the next time.
            return None
        return Kept(
            checkpoint=self.checkpoint,
            verified_on=self.today,
            tree=self.tree,
            replay=self.replay.format_state(),
        )


def verify(
    source: Source,
    *,
    trust: Trust,
    today: datetime.date,
    kept: Kept | None = None,
    since: Checkpoint | None = None,
    annexes: Mapping[datetime.date, bytes] = MappingProxyType({}),
    hold_texts: Sequence[Handed] | None = None,
    note: Callable[[int], None] = lambda count: None,
) -> Verdict:
    """
    Verify a log.

    Args:
        source: Where it lies.
        trust: Whom to believe.
        today: In UTC.
        kept: What was kept from the last time; then only what is new is read.
        since: A checkpoint that the auditor kept by other means; then everything is read.
        annexes: What the operator handed over; then everything is read.
        hold_texts: What the operator handed over of holds, or None; then everything is read.
        note: Told how many entries were read.

    Returns:
        The verdict.

    Raises:
        UnreachableError: the log cannot be read.
        InputError: what was kept is damaged, or two checkpoints kept of one size differ.
    """
    findings = Findings()
    # Whoever gives both wants both compared: no kept file is replaced by what it contradicts.
    known = sorted(
        (
            *(() if since is None else (since,)),
            *(() if kept is None else (kept.checkpoint,)),
        ),
        key=lambda one: one.size,
    )
    before = known[-1] if known else None
    if len({(one.size, one.root) for one in known}) > len({one.size for one in known}):
        raise InputError("since_kept")
    checkpoint = _read_checkpoint(source, trust=trust, findings=findings)
    pass_: _Pass | None = None
    if checkpoint is not None:
        if len(checkpoint.witnesses) < trust.quorum:
            findings.add(Kind.BELOW_QUORUM, count=len(checkpoint.witnesses), quorum=trust.quorum)
        if before is not None and checkpoint.size < before.size:
            findings.add(Kind.ROLLED_BACK, before=before.size, size=checkpoint.size)
        pass_ = _Pass(
            source=source,
            trust=trust,
            today=today,
            checkpoint=checkpoint,
            known=known,
            kept=kept,
            annexes=annexes,
            hold_texts=hold_texts,
            note=note,
        )
        pass_.run(can_go_on=since is None and not annexes and hold_texts is None)
        pass_.report(findings)
        if pass_.replay is not None:
            _check_keyset(trust.keyset, pass_.replay, today=today, findings=findings)
        parted = pass_.list_parted()
        before = parted[-1] if parted else before
    order = {kind: place for place, kind in enumerate(Kind)}
    is_other_history = any(found.kind in _OTHER_HISTORY for found in findings.listed)
    return Verdict(
        trust=trust,
        today=today,
        checkpoint=checkpoint,
        before=before,
        findings=tuple(sorted(findings.listed, key=lambda found: order[found.kind])),
        omitted_len=findings.omitted_len,
        replay=None if pass_ is None else pass_.replay,
        tree=None if pass_ is None or is_other_history else pass_.tree,
        read_len=0 if pass_ is None else pass_.read_len,
    )


@dataclasses.dataclass(slots=True, kw_only=True)
class _Pass:
    """Reading the entries: what is new, or all of them if that does not hold."""

    source: Source
    trust: Trust
    today: datetime.date
    checkpoint: Checkpoint
    known: Sequence[Checkpoint]
    kept: Kept | None
    annexes: Mapping[datetime.date, bytes]
    hold_texts: Sequence[Handed] | None
    note: Callable[[int], None]
    replay: Replay | None = None
    tree: GrowingTree | None = None
    read_len: int = 0
    rebuilt: Rebuilt | None = None

    def run(self, *, can_go_on: bool) -> None:
        kept = self.kept if can_go_on else None
        if kept is not None and kept.tree.size <= self.checkpoint.size and self._read(kept):
            return
        # From the first entry on: only so can be said what happened to what was kept.
        self._read(None)

    def list_parted(self) -> list[Checkpoint]:
        """List the checkpoints from which the log parted."""
        sizes = () if self.rebuilt is None or self.replay is None else self.rebuilt.parted
        return [one for one in self.known if one.size in sizes]

    def report(self, findings: Findings) -> None:
        if self.rebuilt is None:
            return
        if self.replay is not None:  # the entries are those that were signed
            for size in self.rebuilt.parted:
                findings.add(Kind.FORK, size=size)
        findings.extend(self.rebuilt.findings.listed)
        findings.omitted_len += self.rebuilt.findings.omitted_len
        if self.replay is not None:
            judged = self.replay.judge()
            findings.extend(judged.listed)
            findings.omitted_len += judged.omitted_len

    def _read(self, kept: Kept | None) -> bool:
        replay = Replay(
            log=self.trust.log.format(),
            root=self.trust.root,
            today=self.today,
            annexes=self.annexes,
            hold_texts=self.hold_texts,
            seen=None
            if self.kept is None
            else Seen(size=self.kept.checkpoint.size, on=self.kept.verified_on),
        )
        tree = GrowingTree()
        if kept is not None:
            tree = GrowingTree(kept.tree.levels)
            try:
                replay.parse_state(kept.replay)
            except MalformedError as exc:
                raise InputError("kept_state") from exc
        elif self.kept is not None:
            # What only an earlier look could see does not go away when all is read again.
            replay.findings.extend(_list_seen(self.kept))
        self.read_len += self.checkpoint.size - tree.size
        self.rebuilt = Rebuild(
            self.source,
            checkpoint=self.checkpoint,
            tree=tree,
            take=replay.take,
            expected={one.size: one.root for one in self.known},
            note=self.note,
        ).run()
        if self.rebuilt.holds:
            replay.end_batch()
            self.replay, self.tree = replay, self.rebuilt.tree
        return self.rebuilt.holds


def _check_keyset(
    used: KeysetUsed | None, replay: Replay, *, today: datetime.date, findings: Findings
) -> None:
    newest = replay.events.keyset
    if used is None:
        return
    # A higher number is right: the desk signed it, and the next batch tells of it.
    if newest is not None and (
        used.number < newest.number
        or (used.number == newest.number and used.sha256 != newest.sha256)
    ):
        findings.add(Kind.WRONG_KEYSET, number=used.number, newest=newest.number)
    elif used.valid_until < today and used != newest and not replay.events.ended:
        findings.add(
            Kind.KEYSET_EXPIRED,
            number=used.number,
            until=used.valid_until.isoformat(),
            day=today.isoformat(),
        )


def _list_seen(kept: Kept) -> list[Finding]:
    replay = Replay(log="", root=None, today=kept.verified_on)
    try:
        replay.parse_state(kept.replay)
    except MalformedError as exc:
        raise InputError("kept_state") from exc
    return [found for found in replay.findings.listed if found.kind is Kind.BACK_DATED]


def _read_checkpoint(source: Source, *, trust: Trust, findings: Findings) -> Checkpoint | None:
    untrusted = source.read(CHECKPOINT_PATH, max_bytes=MAX_CHECKPOINT_BYTES)
    if untrusted is None:
        findings.add(Kind.MALFORMED_CHECKPOINT)
        return None
    try:
        return verify_checkpoint(untrusted, log=trust.log, witnesses=trust.witnesses)
    except MalformedError:
        findings.add(Kind.MALFORMED_CHECKPOINT)
    except ForgedError as exc:
        findings.add(Kind.FORGED_CHECKPOINT, name=exc.facts["name"])
    return None
