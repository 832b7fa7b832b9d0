"""What the verifier says of logs that were signed as they are."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.note import Signer, sign_note
from retention.hold import Hold, HoldWords, state_ended, state_placed
from retention.log.entry import EntryType
from retention.policy import EVENTS as SERVICE_EVENTS
from retention.policy import RecordClass
from retention.slot_root import Method
from tests.audit_year import KEY, LOG, ONE_DAY, ROOT, SimulatedLine, number_hash
from tipline.audit import events as events_module
from tipline.audit import findings as findings_module
from tipline.audit.entries import CLASSES, EVENTS, parse_entry
from tipline.audit.errors import InputError, MalformedError
from tipline.audit.events import MAX_HOLD_DAYS
from tipline.audit.findings import MAX_FINDINGS, Kind, choose_exit_code
from tipline.audit.replay import Replay
from tipline.audit.strict import format_object
from tipline.audit.trust import read_trust

GOOD = (
    b'{"v":1,"type":"day_key","day":"2026-11-22","of":"2026-11-21",'
    b'"method":"overwritten","late_days":0}'
)
OTHER_ROOT = Signer.generate("tipline-root").verifier().format()


def judge(
    entries: list[bytes], *, today: datetime.date, root: str | None = None
) -> list[tuple[Kind, dict[str, Any]]]:
    """Replay entries that hold."""
    replay = Replay(log=KEY, root=root or ROOT.verifier().format(), today=today)
    for entry in entries:
        replay.take(entry)
    replay.end_batch()
    return [(found.kind, dict(found.facts)) for found in replay.judge().listed]


def kinds(entries: list[bytes], *, today: datetime.date, root: str | None = None) -> set[Kind]:
    """The kinds of what was found."""
    return {kind for kind, _ in judge(entries, today=today, root=root)}


def test_origin_when_of_another_root_or_key_then_it_is_wrong(line: SimulatedLine) -> None:
    """A log of another line, however good, is not this line's."""
    first, *rest = line.entries
    today = line.today
    assert kinds(line.entries, today=today) == set()
    assert kinds(line.entries, today=today, root=OTHER_ROOT) == {Kind.WRONG_ORIGIN}
    other_root = first.replace(ROOT.verifier().format().encode(), OTHER_ROOT.encode())
    assert kinds([other_root, *rest], today=today) == {Kind.WRONG_ORIGIN}
    other_log = first.replace(
        LOG.verifier().format().encode(), Signer.generate(LOG.name).verifier().format().encode()
    )
    assert kinds([other_log, *rest], today=today) == {Kind.WRONG_ORIGIN}
    assert kinds(rest, today=today) == {Kind.WRONG_ORIGIN}
    again = first.replace(b"2026-11-22", str(today).encode())
    assert kinds([*line.entries, again], today=today) == {Kind.WRONG_ORIGIN}


def test_policy_when_there_is_none_then_it_is_missing(line: SimulatedLine) -> None:
    """Without a policy nobody knows what was promised; it is said once."""
    entries = [entry for entry in line.entries if b'"policy"' not in entry]
    assert [kind for kind, _ in judge(entries, today=line.today)] == [Kind.POLICY_MISSING]


def test_day_when_still_to_come_then_nothing_behind_it_is_judged(line: SimulatedLine) -> None:
    """A log that claims a far day cannot make the verifier owe itself centuries."""
    far = GOOD.replace(b"2026-11-22", b"9999-11-22").replace(b"2026-11-21", b"9999-11-21")
    found = judge([*line.entries, far, b"rubbish"], today=line.today)

    assert [kind for kind, _ in found] == [Kind.FROM_THE_FUTURE]


TIP_DAYS = 30  # of the simulated line's policy


def close(line: SimulatedLine, *, late_days: int = 0) -> None:
    """End a line as an honest one does, or so many days later."""
    closes_on = line.today + ONE_DAY
    line.tell(EntryType.CLOSE, step="announced", closes_on=closes_on)
    line.live(1)
    line.tell(EntryType.CLOSE, step="intake_stopped", closes_on=closes_on)
    line.live(TIP_DAYS - 1 + late_days)
    for step in ("keys_destroyed", "closed"):
        line.tell(EntryType.CLOSE, step=step, closes_on=closes_on)


def test_log_when_it_ended_then_it_owes_nothing_and_may_not_go_on() -> None:
    """After the last entry silence is right, and another batch is not."""
    line = SimulatedLine()
    line.begin()
    line.live(3)
    close(line)
    line.live(1)
    assert kinds(line.entries, today=line.today + 90 * ONE_DAY) == set()
    line.live(1)
    assert kinds(line.entries, today=line.today) == {Kind.AFTER_THE_END}


def test_close_when_the_log_ends_on_another_day_then_it_is_found() -> None:
    """The last day comes of the policy: an earlier one, or none, was not promised."""
    found = {}
    for late_days in (-1, 0, 1, 2, 3):
        line = SimulatedLine()
        line.begin()
        close(line, late_days=late_days)
        line.live(1)
        found[late_days] = kinds(line.entries, today=line.today)
    # The day after is still right: a machine may have been off.
    assert found == {
        -1: {Kind.WRONG_BATCH},
        0: set(),
        1: set(),
        2: set(),
        3: {Kind.NOT_CLOSED},
    }


def test_close_when_the_line_was_off_on_its_last_day_then_the_next_batch_may_end_it() -> None:
    """What it still had goes in the night after; then it has the days that any line has."""
    found = {}
    for more_days in (0, 1, 2):
        line = SimulatedLine()
        line.begin()
        closes_on = line.today + ONE_DAY
        line.tell(EntryType.CLOSE, step="announced", closes_on=closes_on)
        line.live(1)
        line.tell(EntryType.CLOSE, step="intake_stopped", closes_on=closes_on)
        line.live(TIP_DAYS - 5)
        line.sleep(20)
        line.live(1 + more_days)
        for step in ("keys_destroyed", "closed"):
            line.tell(EntryType.CLOSE, step=step, closes_on=closes_on)
        line.live(1)
        found[more_days] = Kind.NOT_CLOSED in kinds(line.entries, today=line.today)
    assert found == {0: False, 1: False, 2: True}


@pytest.mark.parametrize("off_days", [0, 1, 2, 20])
def test_close_when_the_line_was_off_as_the_last_hold_ended_then_it_may_end_the_day_after(
    off_days: int,
) -> None:
    """What the hold kept goes in the night after the batch that tells its end."""
    line = SimulatedLine()
    line.begin()
    closes_on = line.today + ONE_DAY
    until = line.today + (TIP_DAYS + 10) * ONE_DAY
    facts = {"hold": "ab" * 16, "until": until, "commitment": number_hash(1)}
    line.tell(EntryType.HOLD, step="placed", **facts)
    line.tell(EntryType.CLOSE, step="announced", closes_on=closes_on)
    line.live(1)
    line.tell(EntryType.CLOSE, step="intake_stopped", closes_on=closes_on)
    line.live(TIP_DAYS + 9)
    line.sleep(off_days)
    line.tell(EntryType.HOLD, step="expired", **facts)
    line.live(1)
    for step in ("keys_destroyed", "closed"):
        line.tell(EntryType.CLOSE, step=step, closes_on=closes_on)
    line.live(1)
    assert Kind.NOT_CLOSED not in kinds(line.entries, today=line.today)


@pytest.mark.parametrize("step", ["cancelled", "handed_over"])
def test_close_when_it_is_taken_back_after_the_intake_stopped_then_it_is_found(step: str) -> None:
    """It would put the end off for ever: the log would never have to end."""
    line = SimulatedLine()
    line.begin()
    closes_on = line.today + ONE_DAY
    line.tell(EntryType.CLOSE, step="announced", closes_on=closes_on)
    line.live(1)
    line.tell(EntryType.CLOSE, step="intake_stopped", closes_on=closes_on)
    line.live(5)
    line.tell(EntryType.CLOSE, step=step, closes_on=closes_on)
    line.live(TIP_DAYS + 9)
    assert kinds(line.entries, today=line.today) == {Kind.WRONG_BATCH, Kind.NOT_CLOSED}


def test_close_when_something_is_held_then_the_log_ends_after_it() -> None:
    """A hold that is open makes the end later, and no end may come before it."""
    for early in (True, False):
        line = SimulatedLine()
        line.begin()
        closes_on = line.today + ONE_DAY
        until = line.today + (TIP_DAYS + 20) * ONE_DAY
        facts = {"hold": "ab" * 16, "until": until, "commitment": number_hash(1)}
        line.tell(EntryType.HOLD, step="placed", **facts)
        line.tell(EntryType.CLOSE, step="announced", closes_on=closes_on)
        line.tell(EntryType.CLOSE, step="intake_stopped", closes_on=closes_on)
        line.live(TIP_DAYS + 20)
        # A verifier that goes on from what it kept says the same.
        before = Replay(log=KEY, root=None, today=line.today)
        for entry in line.entries:
            before.take(entry)
        before.end_batch()
        known = len(line.entries)
        if not early:
            line.tell(EntryType.HOLD, step="expired", **facts)
        for step in ("keys_destroyed", "closed"):
            line.tell(EntryType.CLOSE, step=step, closes_on=closes_on)
        line.live(1)
        after = Replay(log=KEY, root=None, today=line.today)
        after.parse_state(json.loads(json.dumps(before.format_state())))
        for entry in line.entries[known:]:
            after.take(entry)
        after.end_batch()
        expected = {Kind.WRONG_BATCH} if early else set()
        assert kinds(line.entries, today=line.today) == expected
        assert {found.kind for found in after.judge().listed} == expected


def test_close_when_announced_called_off_and_announced_on_a_day_then_nothing_is_found() -> None:
    """A mistyped command that was taken back is no finding."""
    line = SimulatedLine()
    line.begin()
    for step in ("announced", "cancelled", "announced"):
        line.tell(EntryType.CLOSE, step=step, closes_on=line.today + 3 * ONE_DAY)
    line.tell(EntryType.BACKUP)
    line.tell(EntryType.BACKUP)
    line.live(2)
    assert kinds(line.entries, today=line.today) == set()


def test_close_when_steps_are_left_out_then_they_are_missed() -> None:
    """An end without destroyed keys is not the end that was promised."""
    line = SimulatedLine()
    line.begin()
    line.tell(EntryType.CLOSE, step="announced", closes_on=line.today)
    line.tell(EntryType.CLOSE, step="closed", closes_on=line.today)
    line.live(1)
    assert Kind.WRONG_BATCH in kinds(line.entries, today=line.today)


def test_hold_when_its_steps_do_not_fit_then_it_is_misreported(line: SimulatedLine) -> None:
    """Released before it was placed, expired before its day, or with an earlier day."""
    until = line.today + 9 * ONE_DAY
    cases: list[list[tuple[str, datetime.date]]] = [
        [("released", until)],
        [("placed", until), ("expired", until)],
        [("placed", until), ("released", until - ONE_DAY)],
        [("placed", line.today - ONE_DAY)],
        [("placed", line.today)],
        [("placed", until), ("placed", until)],
    ]
    for steps in cases:
        other = SimulatedLine()
        other.begin()
        other.live(40)
        for step, last in steps:
            other.tell(
                EntryType.HOLD, hold="ab" * 16, step=step, until=last, commitment=number_hash(1)
            )
            other.live(1)
        assert Kind.HOLD_MISREPORTED in kinds(other.entries, today=other.today), steps


def test_hold_when_its_end_names_another_commitment_then_it_is_misreported(
    line: SimulatedLine,
) -> None:
    """Nobody can change the text of a hold with its end, nor between two looks at the log."""
    until = line.today + 9 * ONE_DAY

    def tell(step: str, number: int) -> None:
        commitment = number_hash(number)
        line.tell(EntryType.HOLD, hold="ab" * 16, step=step, until=until, commitment=commitment)
        line.live(1)

    tell("placed", 1)
    before = Replay(log=KEY, root=None, today=line.today)
    for entry in line.entries:
        before.take(entry)
    before.end_batch()
    known = len(line.entries)
    tell("released", 2)
    after = Replay(log=KEY, root=None, today=line.today)
    after.parse_state(json.loads(json.dumps(before.format_state())))
    for entry in line.entries[known:]:
        after.take(entry)
    after.end_batch()

    assert kinds(line.entries, today=line.today) == {Kind.HOLD_MISREPORTED}
    assert {found.kind for found in after.judge().listed} == {Kind.HOLD_MISREPORTED}


def test_findings_when_there_are_too_many_then_the_rest_is_counted(
    line: SimulatedLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that breaks everything fills no disk."""
    monkeypatch.setattr(findings_module, "MAX_FINDINGS", 5)
    replay = Replay(log=KEY, root=None, today=line.today)
    for _ in range(9):
        replay.take(b"rubbish")
    found = replay.judge()

    assert (len(found.listed), found.omitted_len) == (5, 4)


@pytest.mark.parametrize(
    "changed",
    [
        b'{"arrived":30}',
        b'{"whenever":30}',
        b'{"picked_up":30,"arrived":30}',
        b'{"arrived":30,"picked_up":30,"read":30}',
        b'{"arrived":0,"picked_up":0}',
        b'{"arrived":3651,"picked_up":30}',
        b'{"arrived":30,"picked_up":true}',
    ],
)
def test_policy_when_its_events_or_periods_are_others_then_it_is_malformed(changed: bytes) -> None:
    """A promise that counts from nothing, or for ever, is none: from the first policy on."""
    line = SimulatedLine()
    line.begin()
    line.live(1)
    before = b'"sealed_tip":{"arrived":30,"picked_up":30}'
    entries = [entry.replace(before, b'"sealed_tip":' + changed) for entry in line.entries]
    assert entries != line.entries

    assert kinds(entries, today=line.today) == {Kind.MALFORMED_ENTRY, Kind.POLICY_MISSING}
    longest = before.replace(b'"arrived":30', b'"arrived":3650')
    entries = [entry.replace(before, longest) for entry in line.entries]
    assert kinds(entries, today=line.today) == set()


def test_events_when_compared_then_the_page_lists_them_as_they_are() -> None:
    """The verifier's table is that of the log's page, and the service's."""
    page = (Path(__file__).parents[4] / "docs" / "reference" / "log.md").read_text()
    rows = page.split("### Events of periods")[1].split("### Batch")[0]
    listed = {
        class_: tuple(events.replace("`", "").split(", "))
        for class_, events in re.findall(r"^\| `(\w+)` \| (.+) \|$", rows, re.MULTILINE)
    }

    assert listed == EVENTS
    assert list(listed) == list(EVENTS)
    assert {str(c): tuple(map(str, e)) for c, e in SERVICE_EVENTS.items()} == EVENTS


CHANGES: list[Callable[[bytes], bytes]] = [
    lambda e: b"",
    lambda e: e + b"\n",
    lambda e: e.replace(b":1,", b": 1,"),
    lambda e: e.replace(b'"v":1', b'"v":2'),
    lambda e: e.replace(b'"v":1', b'"v":true'),
    lambda e: e.replace(b'"v":1', b'"v":1.0'),
    lambda e: e.replace(b"day_key", b"day_keys"),
    lambda e: e.replace(b'"day_key"', b'["day_key"]'),
    lambda e: e.replace(b"day_key", b"day\\u005fkey"),
    lambda e: e.replace(b"2026-11-22", b"2026-11-31"),
    lambda e: e.replace(b"2026-11-22", b"2026-11-21"),
    lambda e: e.replace(b"2026-11-22", b"20261122"),
    lambda e: e.replace(b"overwritten", b"gone"),
    lambda e: e.replace(b"overwritten", b"none_kept"),
    lambda e: e.replace(b"day_key", b"purge").replace(
        b'"method":"overwritten"', b'"class":"sealed_tip","method":"none_kept"'
    ),
    lambda e: e.replace(b'"late_days":0', b'"late_days":-1'),
    lambda e: e.replace(b'"late_days":0', b'"late_days":NaN'),
    lambda e: e.replace(b'"late_days":0', b'"late_days":1e1'),
    lambda e: e.replace(b'"late_days":0', b'"late_days":' + b"9" * 5000),
    lambda e: e.replace(b'"late_days":0', b'"late_days":0,"late_days":0'),
    lambda e: e.replace(b'"late_days":0', b'"late_days":0,"x":0'),
    lambda e: e.replace(b',"late_days":0', b""),
    lambda e: e.replace(
        b'"method":"overwritten","late_days":0', b'"late_days":0,"method":"overwritten"'
    ),
    lambda e: b"[" * 16_000,
    lambda e: b"[]",
    lambda e: e.replace(b"overwritten", b"\xff"),
    lambda e: e.replace(b"overwritten", b"\\ud800"),
    lambda e: e.replace(b"overwritten", b"x" * 20_000),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_entry_when_spelled_otherwise_then_it_is_malformed(number: int) -> None:
    """One entry has one spelling; what is not in the format is named and never crashes."""
    assert parse_entry(GOOD).fields["late_days"] == 0
    changed = CHANGES[number](GOOD)
    assert changed != GOOD
    with pytest.raises(MalformedError):
        parse_entry(changed)


def test_classes_when_compared_then_the_page_lists_them_as_they_are() -> None:
    """The verifier's classes are those of the log's page."""
    page = (Path(__file__).parents[4] / "docs" / "reference" / "log.md").read_text()
    listed = page.split("`class` is one of the policy's classes: ")[1].split(".\n")[0]
    assert tuple(listed.replace("`", "").split(", ")) == CLASSES


def test_hold_when_it_expires_on_its_day_then_it_is_honest_as_the_service_tells_it() -> None:
    """What the service says of a hold that ended by itself, on the day it was to end, fits."""
    line = SimulatedLine()
    line.begin()
    line.live(3)
    words = HoldWords(
        channel="city", first_person="a", second_person="b", reason="r", salt=b"s" * 32
    )
    hold = Hold(
        id=b"h" * 16,
        placed_on=line.today,
        until_on=line.today + 5 * ONE_DAY,
        commitment=number_hash(7),
        words=words,
    )
    line.queue.append(state_placed(hold))
    line.live(4)
    line.today += ONE_DAY
    line.queue.append(state_ended(dataclasses.replace(hold, gone_on=line.today)))
    line.night()
    line.live(3)

    assert b'"expired"' in b"".join(line.entries)
    assert kinds(line.entries, today=line.today) == set()


def test_method_when_it_weakens_then_it_is_said_once(line: SimulatedLine) -> None:
    """A TPM that is gone is one finding, and not one for every day since."""
    line.method = Method.DESTROYED
    line.live(5)
    line.method = Method.OVERWRITTEN
    line.live(5)

    assert [kind for kind, _ in judge(line.entries, today=line.today)] == [Kind.WEAKER_METHOD]


def test_findings_when_one_kind_floods_then_the_graver_ones_are_told(line: SimulatedLine) -> None:
    """A thousand harmless entries first do not hide keys that were never destroyed."""
    for number in range(2 * MAX_FINDINGS):
        line.tell(EntryType.CLOCK, step="held", until=line.today + (number % 9) * ONE_DAY)
    line.live(1)
    line.failing |= {RecordClass.SEALED_TIP, None}
    line.live(30)
    replay = Replay(log=KEY, root=None, today=line.today)
    for entry in line.entries:
        replay.take(entry)
    replay.end_batch()
    found = replay.judge()

    assert {finding.kind for finding in found.listed} == {
        Kind.CLOCK, Kind.OVERDUE, Kind.MISSING_KEY_DESTRUCTION
    }  # fmt: skip
    assert choose_exit_code(found.listed) == Kind.MISSING_KEY_DESTRUCTION.exit_code
    assert found.omitted_len == MAX_FINDINGS


def list_other_values(value: Any) -> list[Any]:
    """Values of every other type, and of the same type in other shapes."""
    others: list[Any] = [
        None, True, False, 0, -1, 1.5, 2**63, "", "x", "9999-12-31", "\u0000", [], {}, [[]],
        [value], {"x": value}, {"": []}, "x" * 9000,
    ]  # fmt: skip
    if isinstance(value, dict):
        first = next(iter(value))
        others += [{**value, first: other} for other in list_other_values(value[first])]
    return others


def list_one_of_each() -> list[dict[str, Any]]:
    """A good entry of each type."""
    line = SimulatedLine()
    line.begin()
    line.tell(EntryType.HOLD, hold="ab" * 16, step="placed", until=line.today + ONE_DAY,
              commitment=number_hash(1))  # fmt: skip
    line.tell(EntryType.EPOCH, epoch=line.today, method="overwritten", late_days=0)
    line.tell(EntryType.CLOCK, step="held", until=line.today)
    line.tell(EntryType.BACKUP)
    line.tell(EntryType.RESTORE, from_day=line.today)
    line.tell(EntryType.LOST_KEYS)
    line.tell(EntryType.CLOSE, step="announced", closes_on=line.today)
    line.live(1)
    return list({value["type"]: value for value in map(json.loads, line.entries)}.values())


@pytest.mark.parametrize("entry", list_one_of_each(), ids=lambda entry: entry["type"])
def test_entry_when_a_field_is_of_another_type_then_it_is_named_and_never_crashes(
    entry: dict[str, Any],
) -> None:
    """No value of any field, of any entry, takes an auditor's program down."""
    refused = 0
    for name, value in entry.items():
        for other in list_other_values(value):
            changed = format_object({**entry, name: other})
            replay = Replay(log=KEY, root=None, today=datetime.date(2026, 12, 1))
            replay.take(changed)  # an uncaught error would end the test
            replay.end_batch()
            refused += any(found.kind is Kind.MALFORMED_ENTRY for found in replay.judge().listed)
    assert refused > 10 * len(entry)


def test_entry_types_when_each_is_tried_then_none_is_left_out() -> None:
    """The test above tries every type that there is."""
    assert {entry["type"] for entry in list_one_of_each()} == {str(type_) for type_ in EntryType}


@pytest.mark.parametrize("value", [None, 1, {}, [[]], "", "x", [1], [{}], {"x": 1}])
@pytest.mark.parametrize("name", ["log", "witnesses", "quorum"])
def test_keyset_when_a_field_is_of_another_type_then_it_is_refused(name: str, value: Any) -> None:
    """What the desk root signed is read as strictly as what a stranger wrote."""
    fields = {"number": 1, "log": KEY, "witnesses": [], "quorum": 0, name: value}
    note = sign_note("tipline-keyset/v1\n" + format_object(fields).decode() + "\n", ROOT)
    with pytest.raises(InputError):
        read_trust(note, root=ROOT.verifier().format(), log=None)


def test_hold_when_placed_for_longer_than_allowed_then_that_is_found(line: SimulatedLine) -> None:
    """A hold for ever is no hold; the longest allowed one is."""
    for days, expected in ((MAX_HOLD_DAYS, []), (MAX_HOLD_DAYS + 1, [Kind.HOLD_TOO_LONG])):
        line.tell(
            EntryType.HOLD,
            hold=f"{days:032x}",
            step="placed",
            until=line.today + days * ONE_DAY,
            commitment=number_hash(1),
        )
        line.live(1)
        assert [kind for kind, _ in judge(line.entries, today=line.today)] == expected


def test_holds_when_more_are_open_than_followed_then_that_is_found(
    line: SimulatedLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hold is not hidden behind thousands of others."""
    monkeypatch.setattr(events_module, "MAX_HOLDS", 3)
    for number in range(4):
        assert kinds(line.entries, today=line.today) == set()
        line.tell(
            EntryType.HOLD,
            hold=f"{number:032x}",
            step="placed",
            until=line.today + 90 * ONE_DAY,
            commitment=number_hash(1),
        )
        line.live(1)
    assert [kind for kind, _ in judge(line.entries, today=line.today)] == [Kind.HOLDS_TOO_MANY]
