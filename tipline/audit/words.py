"""
The words for each finding, each error and each limit.

English stands here; the catalogue translates it (in the carried file, a copy of the catalogue).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tipline.audit.findings import Finding, Kind

Translate = Callable[[str], str]


def N_(text: str) -> str:  # noqa: N802  # gettext's name for a text that is translated later
    """
    Mark a text for the catalogue.

    Args:
        text: In English.

    Returns:
        The same.
    """
    return text


# What is said, and what to ask the operator or to do.
FINDINGS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.FORGED_CHECKPOINT: (
        N_("the checkpoint is not signed by {name}, or its signature does not hold"),
        N_("compare the log's key with the keyset; keep what was served"),
    ),
    Kind.MALFORMED_CHECKPOINT: (
        N_("there is no checkpoint, or it is not in its format"),
        N_("ask for the log again, from another place"),
    ),
    Kind.FORK: (
        N_("the log was rewritten: up to size {size} it is not that of the checkpoint kept"),
        N_("publish both checkpoints: together they prove it, and nobody can take it back"),
    ),
    Kind.ROLLED_BACK: (
        N_("the log had {before} entries, and has {size} now"),
        N_("ask whether an old backup was restored; keep both checkpoints"),
    ),
    Kind.BELOW_QUORUM: (
        N_("witnesses that must sign the checkpoint: {quorum}; that signed it: {count}"),
        N_("do not rely on this checkpoint; ask the witnesses what they saw"),
    ),
    Kind.WRONG_KEYSET: (
        N_("the keyset read here is number {number}; the log's newest is {newest}, and another"),
        N_("an old keyset may leave witnesses out: get the newest one, from the desk"),
    ),
    Kind.WRONG_TREE: (
        N_("the entries served are not those that were signed (size: {size})"),
        N_("ask for the log again, from another place; keep what was served"),
    ),
    Kind.CHANGED_ENTRY: (
        N_("entry {number} is not the one that was signed"),
        N_("ask for the log again, from another place; keep what was served"),
    ),
    Kind.DROPPED_ENTRY: (
        N_("entry {number} is missing"),
        N_("ask for the log again, from another place; keep what was served"),
    ),
    Kind.REORDERED_ENTRY: (
        N_("entry {number} does not stand in its place"),
        N_("ask who changed the order, and when"),
    ),
    Kind.DUPLICATED_ENTRY: (
        N_("entry {number} says a second time what was said already"),
        N_("ask which of the two is true"),
    ),
    Kind.TRUNCATED_TILE: (
        N_("a tile is missing or cut short, from entry {number} on"),
        N_("ask for the log again, from another place"),
    ),
    Kind.WRONG_TILE: (
        N_("tile {number} of level {level} is not the tree's"),
        N_("who checks one entry only would be misled by it: tell the operator"),
    ),
    Kind.MALFORMED_ENTRY: (
        N_("entry {number} is not in its format"),
        N_("ask what it should have said"),
    ),
    Kind.WRONG_ORIGIN: (
        N_("entry {number} does not say that this log belongs to this desk root and this key"),
        N_("compare the root with the one on paper"),
    ),
    Kind.WRONG_BATCH: (
        N_("entry {number} does not belong into the batch of its day"),
        N_("ask what it should have said"),
    ),
    Kind.FROM_THE_FUTURE: (
        N_("entry {number} is of {day}, which is still to come"),
        N_("look at the clock of this machine; then ask about the server's"),
    ),
    Kind.MISSING_KEY_DESTRUCTION: (
        N_("the log does not say that the keys of {first} to {last} are gone"),
        N_("ask whether they still exist: what should have died can then be opened"),
    ),
    Kind.OVERDUE: (
        N_("the log does not say that what was due is gone: {duty}, {first} to {last}"),
        N_("ask what stopped the purge, and when it will be made up for"),
    ),
    Kind.GAP: (
        N_("the log lacks what it must say of each day: {duty}, {first} to {last}"),
        N_("ask what happened on these days"),
    ),
    Kind.HOLD_EXTENDED: (
        N_("hold {hold} was to end on {before}; the log now says {until}"),
        N_("a hold is never extended: ask who did it, and why it is not a new one"),
    ),
    Kind.HOLD_OPEN: (
        N_("hold {hold} ended on {until}, and the log of {day} did not say that it is over"),
        N_("ask whether what it held still exists"),
    ),
    Kind.HOLD_TOO_LONG: (
        N_("on {on} hold {hold} was placed for {days} days; {limit} are the most allowed"),
        N_("ask which program placed it, and by whose word"),
    ),
    Kind.HOLDS_TOO_MANY: (
        N_("from {on} on, more than {limit} holds are open at once; the rest is not followed here"),
        N_("ask what is held; nobody needs so many"),
    ),
    Kind.HOLD_MISREPORTED: (
        N_("what the log of {day} says of hold {hold} does not fit what it said before"),
        N_("ask for the private texts of this hold"),
    ),
    Kind.POLICY_MISSING: (
        N_("the log of {day} names no policy"),
        N_("without it nobody can say what was promised"),
    ),
    Kind.POLICY_LOOSENED: (
        N_("from {on} on, {class} is kept longer: {event}, days: {after}, before: {before}"),
        N_("ask why; what arrived before must still die by the shorter promise"),
    ),
    Kind.LATENESS_UNTRUE: (
        N_("the log of {day} says of {duty} of {of}: days late: {late_days}; that cannot be"),
        N_("ask when it was really done"),
    ),
    Kind.BACK_DATED: (
        N_("the batch of {day} was not there yet on {seen_on}: it was made afterwards"),
        N_("ask when it was really made; if your clock was ahead on that day, it may be right"),
    ),
    Kind.LATE: (
        N_("late, told on {day}: entries: {count}, {first} to {last}, days late at most: {days}"),
        N_("ask what stopped it"),
    ),
    Kind.WEAKER_METHOD: (
        N_("from {day} on, keys are only overwritten; before, they were destroyed in a TPM"),
        N_("ask whether the machine was changed"),
    ),
    Kind.KEYSET_ROLLED_BACK: (
        N_("on {on} keyset {number} was installed, though {before} was in force"),
        N_("an old keyset may name a reader who was removed since"),
    ),
    Kind.KEYSET_EXPIRED: (
        N_("keyset {number} was valid until {until}, and on {day} there was no newer one"),
        N_("ask the desk why it signed none"),
    ),
    Kind.ANNEX_MISMATCH: (
        N_("the annex of {of} is not the one whose hash is in the log"),
        N_("ask for it again; keep the one you have"),
    ),
    Kind.ANNEX_MALFORMED: (
        N_("the annex of {of} is not in its format, though the log has its hash"),
        N_("ask which program wrote it; keep it"),
    ),
    Kind.ANNEX_OTHER_DAY: (
        N_("the annex handed over for {of} says that it is of {says}"),
        N_("ask for the annex of the right day; keep the one you have"),
    ),
    Kind.ANNEX_WITHOUT_ENTRY: (
        N_("an annex of {of} was handed over, and the log has no entry for it"),
        N_("ask what it is; an annex of a day that no batch told of yet cannot be there"),
    ),
    Kind.ANNEX_UNTRUE: (
        N_("the annex of {of} contradicts itself: {less} is more than {more}"),
        N_("ask for an explanation of these counts; keep the annex"),
    ),
    Kind.ANNEX_SUM: (
        N_(
            "the annex of {of} does not follow from the one before: there are {count} of {class},"
            " and there should be {due}"
        ),
        N_("ask what came, or went, and was not counted; keep both annexes"),
    ),
    Kind.ANNEX_HELD: (
        N_(
            "by the annex of {of}, kept past their day: {count} of {class}; the log said that"
            " all were gone, and shows no hold over them"
        ),
        N_("ask what was kept, and by whose word; keep the annex"),
    ),
    Kind.HOLD_TEXT_MISMATCH: (
        N_("the text of hold {hold} is not the one whose commitment is in the log"),
        N_("ask for it again; keep the one you have"),
    ),
    Kind.HOLD_TEXT_MALFORMED: (
        N_("text {number} of those handed over is not in the format of a hold's text"),
        N_("ask which program wrote it; keep it"),
    ),
    Kind.HOLD_TEXT_WITHOUT_ENTRY: (
        N_("a text of hold {hold} was handed over, and the log has no such hold"),
        N_("ask why the log was not told of it: what is held in secret does not die"),
    ),
    Kind.HOLD_TEXT_UNTRUE: (
        N_("the text of hold {hold} contradicts the log, or itself ({what})"),
        N_("ask who wrote it; keep it"),
    ),
    Kind.HOLD_TEXT_MISSING: (
        N_("hold {hold} is open, and no text of it was handed over"),
        N_("ask who asked for it, who agreed, and why; its text may have been lost with its key"),
    ),
    Kind.LOST_KEYS: (
        N_("on {on} keys were lost before their time, and what they opened"),
        N_("ask which tips nobody had picked up yet"),
    ),
    Kind.RESTORED: (
        N_("on {on} the line was restored from a backup of {from_day}"),
        N_("ask why; what should have died in between must be dead"),
    ),
    Kind.NOT_CLOSED: (
        N_("the line was to close on {on}, and did not"),
        N_("ask who reads it now"),
    ),
    Kind.AFTER_THE_END: (
        N_("the log goes on after its end, with entry {number}"),
        N_("ask who runs the line now"),
    ),
    Kind.CLOCK: (
        N_("on {on} the server's clock jumped ({step}, {until})"),
        N_("ask who set it"),
    ),
    Kind.DOWNTIME: (
        N_(
            "no batch from {first} to {last}, days: {days}; entries made up for: {late_count},"
            " days late at most: {late_days}"
        ),
        N_("a machine that is off destroys nothing: ask why it was off"),
    ),
    Kind.STALE: (
        N_("the log ends on {last}; days since then: {days}"),
        N_("ask whether the line still runs; if not, warn its sources"),
    ),
}

ERRORS: Final[Mapping[str, str]] = {
    "url": N_("this is not an address of a log"),
    "onion_needs_socks": N_("an onion is reached through tor: --socks HOST:PORT"),
    "place": N_("there is no log in {place}"),
    "no_file": N_("{path} is not a file"),
    "unreadable": N_("{path} cannot be read"),
    "too_long": N_("{path} is longer than it may be"),
    "too_slow": N_("{path} takes too long"),
    "no_end": N_("the log does not come to an end in the time allowed ({path})"),
    "no_answer": N_("the other side does not answer ({path})"),
    "status": N_("the other side answers {status} ({path})"),
    "socks": N_("the proxy does not speak SOCKS5"),
    "socks_refused": N_("the proxy does not reach it ({reply})"),
    "key": N_("this is not a key of the kind asked for"),
    "kept": N_("what was kept in {path} is damaged"),
    "kept_version": N_(
        "what was kept in {path} is of another version of this program: put it aside, for it proves"
        " what was shown, and read the log anew into another file"
    ),
    "kept_state": N_("what was kept is damaged"),
    "kept_other": N_("what was kept in {path} is of another log"),
    "since": N_("the checkpoint in {path} is not one of this log"),
    "since_kept": N_(
        "what was kept holds two checkpoints of one size that differ: the log was rewritten, and"
        " together they prove it"
    ),
    "keyset": N_("the keyset is not signed by this root, or names another log"),
    "keyset_missing": N_("there is no keyset beside the log: give it with --keyset"),
    "root_and_witness": N_(
        "with --keyset-root the keyset names the witnesses: leave --witness and --quorum out"
    ),
    "root_missing": N_("a keyset needs the root that signed it: --keyset-root"),
    "quorum": N_("the quorum must be 1 to the number of witnesses"),
    "file": N_("{path} cannot be read or written"),
    "exists": N_("{path} is there already"),
    "permissions": N_("others can read {path}"),
    "annex": N_("{path} is not named after a day (YYYY-MM-DD.json)"),
    "holds": N_("{path} is not what tipline hold list DIR --json writes"),
    "busy": N_("another run is signing with {path}"),
    "state_missing": N_(
        "there is no {path}: find what was signed before, or say --first if nothing ever was"
    ),
    "state_there": N_("{path} is there: something was signed before, so leave --first out"),
    "inconsistent": N_("nothing was signed: what was found speaks against it"),
    "day": N_("this is not a day (YYYY-MM-DD)"),
    "socks_option": N_("a proxy is given as HOST:PORT"),
}

LIMITS: Final = (
    N_("that keys are really gone: the log says what was reported, and that it was not changed"),
    N_("that no copy was made before: of a key, of a tip, of the whole machine"),
    N_("who reads a tip, and what they do with it"),
    N_("that a tip was taken and not thrown away"),
    N_("when on a day something happened, and how much there was: the annex says that"),
)
SPLIT_VIEW: Final = N_(
    "split view possible: no witness is named, so the operator could show you one log and others"
    " another"
)


def say(finding: Finding, translate: Translate) -> tuple[str, str]:
    """
    Put a finding into words.

    Args:
        finding: Any.
        translate: Looks a text up in the catalogue.

    Returns:
        What was found, and what to do.
    """
    says, ask = FINDINGS[finding.kind]
    return translate(says).format(**finding.facts), translate(ask)
