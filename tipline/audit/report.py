"""A verdict as text for a terminal, and as JSON for a machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tipline.audit.findings import choose_exit_code
from tipline.audit.verify import Verdict
from tipline.audit.words import LIMITS, SPLIT_VIEW, Translate, say


def name_verdict(verdict: Verdict, translate: Translate) -> str:
    """
    Say a verdict in one sentence.

    Args:
        verdict: Any.
        translate: Looks a text up in the catalogue.

    Returns:
        The sentence.
    """
    _ = translate
    if verdict.checkpoint is None:
        return _("refused: this is not the log's own word")
    if verdict.replay is None:
        return _("refused: these are not the entries that were signed")
    if verdict.tree is None:
        return _("refused: this is not the history that must be shown")
    if verdict.findings:
        return _("the log holds; what it says does not keep every promise")
    return _("the log holds, and says that every promise was kept")


def describe_checked(verdict: Verdict, translate: Translate) -> Iterator[tuple[str, str]]:
    """
    Say what was checked.

    Args:
        verdict: Any.
        translate: Looks a text up in the catalogue.

    Yields:
        A name and a value.
    """
    _ = translate
    yield _("log"), verdict.trust.log.name
    yield _("checked on"), verdict.today.isoformat()
    if verdict.checkpoint is not None:
        yield _("entries"), str(verdict.checkpoint.size)
        yield _("read this time"), str(verdict.read_len)
        witnesses = ", ".join(verdict.checkpoint.witnesses)
        yield _("witnesses"), witnesses or _("none")
    if verdict.before is not None:
        yield (
            _("compared with a checkpoint of size"),
            str(verdict.before.size),
        )
    if verdict.replay is not None and verdict.replay.days.first_on is not None:
        yield _("days"), f"{verdict.replay.days.first_on} - {verdict.replay.days.last_on}"
        if verdict.replay.annexes.compared_len:
            yield _("annexes compared"), str(verdict.replay.annexes.compared_len)
        if verdict.replay.hold_texts.compared_len:
            yield _("texts of holds compared"), str(verdict.replay.hold_texts.compared_len)


def format_text(verdict: Verdict, translate: Translate) -> str:
    """
    Write a verdict for a terminal.

    Args:
        verdict: Any.
        translate: Looks a text up in the catalogue.

    Returns:
        Lines, each with its newline.
    """
    _ = translate
    lines = [name_verdict(verdict, _), ""]
    lines += [f"  {name}: {value}" for name, value in describe_checked(verdict, _)]
    if verdict.is_split_view_possible:
        lines += ["", _(SPLIT_VIEW)]
    if verdict.findings:
        lines += ["", _("found, the gravest first:")]
        for finding in verdict.findings:
            says, ask = say(finding, _)
            lines += [f"  {finding.kind.exit_code} {finding.kind}: {says}", f"     {ask}"]
    if verdict.omitted_len:
        lines.append("  " + _("and {count} more").format(count=verdict.omitted_len))
    if verdict.replay is not None and verdict.replay.events.holds:
        lines += ["", _("holds that are open:")]
        lines += [
            f"  {hold}  {until}" for hold, until in sorted(verdict.replay.events.holds.items())
        ]
    lines += ["", _("this verdict cannot say:")]
    lines += [f"  - {_(limit)}" for limit in LIMITS]
    return "\n".join(lines) + "\n"


def make_json(verdict: Verdict) -> dict[str, Any]:
    """
    Write a verdict for a machine.

    Args:
        verdict: Any.

    Returns:
        What JSON holds. With a fork, the two checkpoints are the proof of it.
    """
    checkpoint, before, replay = verdict.checkpoint, verdict.before, verdict.replay
    return {
        "version": 1,
        "log": verdict.trust.log.format(),
        "today": verdict.today.isoformat(),
        "holds": verdict.tree is not None and replay is not None,
        "exit_code": choose_exit_code(verdict.findings),
        "split_view_possible": verdict.is_split_view_possible,
        "size": None if checkpoint is None else checkpoint.size,
        "read": verdict.read_len,
        "witnesses": [] if checkpoint is None else list(checkpoint.witnesses),
        "quorum": verdict.trust.quorum,
        "checkpoint": None if checkpoint is None else checkpoint.note.decode(),
        "kept_checkpoint": None if before is None else before.note.decode(),
        "findings": [
            {
                "kind": finding.kind,
                "exit_code": finding.kind.exit_code,
                "facts": dict(finding.facts),
            }
            for finding in verdict.findings
        ],
        "omitted": verdict.omitted_len,
        "first_day": None if replay is None else _day(replay.days.first_on),
        "last_day": None if replay is None else _day(replay.days.last_on),
        "policy": None if replay is None else replay.events.periods,
        "open_holds": {}
        if replay is None
        else {hold: until.isoformat() for hold, until in sorted(replay.events.holds.items())},
    }


def _day(day: Any) -> str | None:
    return None if day is None else str(day)
