"""policy.toml: no default, nothing unknown, no contradiction, no value in an error."""

from __future__ import annotations

import datetime

import pytest

from crypto.ladder import RUNGS
from retention.errors import PolicyError
from retention.policy import (
    EVENTS,
    MAX_POLICY_BYTES,
    NOT_LONGER,
    Event,
    RecordClass,
    find_tip_class,
    format_periods,
    parse_periods,
    parse_policy,
)

GOOD = """\
version = 1
[partial_upload]
begun = 2
[sealed_tip]
arrived = 90
picked_up = 7
[attachment]
arrived = 60
picked_up = 7
[upload_answer]
arrived = 3
[reply]
sent = 60
read = 5
[mailbox]
last_used = 120
[receipt_copy]
made = 91
[raw_number]
received = 21
[gateway_message]
received = 4
[pseudonym_epoch]
begun = 92
[keyset]
expired = 31
[backup]
made = 14
[log_text]
logged = 3650
"""


def test_policy_when_complete_then_every_class_has_its_periods() -> None:
    """A complete policy gives each event of each class the days that were written."""
    policy = parse_policy(GOOD.encode())
    assert policy.periods[RecordClass.SEALED_TIP] == {Event.ARRIVED: 90, Event.PICKED_UP: 7}
    assert policy.periods[RecordClass.PARTIAL_UPLOAD] == {Event.BEGUN: 2}
    assert policy.periods[RecordClass.LOG_TEXT] == {Event.LOGGED: 3650}
    assert {name: tuple(days) for name, days in policy.periods.items()} == EVENTS


def test_periods_when_written_then_they_read_back_and_are_plain() -> None:
    """What goes into the database and the log is plain, ordered, and the same policy again."""
    policy = parse_policy(GOOD.encode())
    fields = format_periods(policy)
    assert fields["sealed_tip"] == {"arrived": 90, "picked_up": 7}
    assert list(fields) == [str(name) for name in RecordClass]
    assert {type(key) for days in fields.values() for key in days} == {str}
    assert parse_periods(fields) == policy


@pytest.mark.parametrize(
    ("record_class", "events", "dies_on"),
    [
        (RecordClass.PARTIAL_UPLOAD, {Event.BEGUN: (2, 28)}, datetime.date(2032, 3, 1)),
        (RecordClass.SEALED_TIP, {Event.ARRIVED: (2, 28)}, datetime.date(2032, 5, 28)),
        (
            RecordClass.SEALED_TIP,
            {Event.ARRIVED: (2, 28), Event.PICKED_UP: (3, 2)},
            datetime.date(2032, 3, 9),
        ),
        (
            RecordClass.SEALED_TIP,
            {Event.ARRIVED: (2, 28), Event.PICKED_UP: (5, 27)},
            datetime.date(2032, 5, 28),
        ),
    ],
)
def test_dies_on_when_events_happened_then_the_period_that_ends_first_counts(
    record_class: RecordClass, events: dict[Event, tuple[int, int]], dies_on: datetime.date
) -> None:
    """A record dies by the earliest of the periods that run; leap days count."""
    policy = parse_policy(GOOD.encode())
    days = {event: datetime.date(2032, *day) for event, day in events.items()}
    assert policy.dies_on(record_class, days) == dies_on


def test_dies_on_when_the_calendar_ends_then_its_last_day() -> None:
    """A day that no calendar has stands for none: nothing breaks on a clock that is far ahead."""
    policy = parse_policy(GOOD.encode())
    last = datetime.date.max
    assert policy.dies_on(RecordClass.UPLOAD_ANSWER, {Event.ARRIVED: last}) == last


@pytest.mark.parametrize("events", [{}, {Event.PICKED_UP}, {Event.ARRIVED, Event.READ}])
def test_dies_on_when_the_events_cannot_be_then_the_caller_is_wrong(events: set[Event]) -> None:
    """A record has the first event of its class, and none of another class."""
    policy = parse_policy(GOOD.encode())
    with pytest.raises(ValueError, match="sealed_tip"):
        policy.dies_on(RecordClass.SEALED_TIP, dict.fromkeys(events, datetime.date(2031, 3, 14)))


def test_tip_class_when_the_size_is_known_then_text_is_apart() -> None:
    """The rung of text alone is a tip; every other rung has attachments."""
    classes = [find_tip_class(size_bytes) for size_bytes in RUNGS]
    assert classes == [RecordClass.SEALED_TIP, *[RecordClass.ATTACHMENT] * (len(RUNGS) - 1)]


@pytest.mark.parametrize("line", [line for line in GOOD.splitlines() if "=" in line])
def test_policy_when_a_key_is_missing_then_it_is_named(line: str) -> None:
    """There is no default: each missing key is an error that names it."""
    before, _, after = GOOD.partition(line)
    with pytest.raises(PolicyError) as refused:
        parse_policy((before + after).encode())
    assert refused.value.code == "policy_missing_key"
    assert str(refused.value.facts["key"]).endswith(line.split(" ", maxsplit=1)[0])


@pytest.mark.parametrize("record_class", sorted(RecordClass))
def test_policy_when_a_class_is_missing_then_it_is_named(record_class: str) -> None:
    """A class of record without its periods is an error."""
    before, _, rest = GOOD.partition(f"[{record_class}]\n")
    _, bracket, after = rest.partition("[")
    with pytest.raises(PolicyError) as refused:
        parse_policy((before + bracket + after).encode())
    assert (refused.value.code, refused.value.facts) == (
        "policy_missing_key",
        {"file": "policy.toml", "key": record_class},
    )


@pytest.mark.parametrize(
    ("added", "key"),
    [
        ("[surprise]\narrived = 7\n", "surprise"),
        ("hours = 7\n", "log_text.hours"),
        ("arrived = 7\n", "log_text.arrived"),
    ],
)
def test_policy_when_a_key_is_unknown_then_it_is_named(added: str, key: str) -> None:
    """What we do not know is an error, since it would not happen."""
    with pytest.raises(PolicyError) as refused:
        parse_policy((GOOD + added).encode())
    assert (refused.value.code, refused.value.facts) == (
        "policy_unknown_key",
        {"file": "policy.toml", "key": key},
    )


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("version = 1", "version = 2", "version"),
        ("version = 1", "version = true", "version"),
        ("begun = 2\n", "begun = 0\n", "partial_upload.begun"),
        ("begun = 2\n", "begun = -2\n", "partial_upload.begun"),
        ("begun = 2\n", "begun = 3651\n", "partial_upload.begun"),
        ("begun = 2\n", "begun = true\n", "partial_upload.begun"),
        ("begun = 2\n", 'begun = "2"\n', "partial_upload.begun"),
        ("begun = 2\n", "begun = 2.5\n", "partial_upload.begun"),
        ("[partial_upload]\nbegun = 2", "partial_upload = 7", "partial_upload"),
    ],
)
def test_policy_when_a_value_is_wrong_then_its_key_is_named_and_not_the_value(
    old: str, new: str, key: str
) -> None:
    """A value of another type or range is an error that names the key alone."""
    assert old in GOOD
    with pytest.raises(PolicyError) as refused:
        parse_policy(GOOD.replace(old, new, 1).encode())
    assert (refused.value.code, refused.value.facts) == (
        "policy_wrong_value",
        {"file": "policy.toml", "key": key},
    )


@pytest.mark.parametrize("pair", NOT_LONGER, ids=str)
def test_policy_when_two_periods_contradict_each_other_then_both_are_named(
    pair: tuple[tuple[RecordClass, Event], tuple[RecordClass, Event]],
) -> None:
    """Each rule of what cannot outlive what refuses a period one day too long, and not before."""
    (record_class, event), (limit_class, limit_event) = pair
    fields: dict[str, dict[str, int]] = {
        name: dict.fromkeys(map(str, events), 30) for name, events in EVENTS.items()
    }
    parse_periods(fields)
    fields[limit_class][limit_event] = 29
    with pytest.raises(PolicyError) as refused:
        parse_periods(fields)
    assert refused.value.code == "policy_contradiction"
    named = {
        (refused.value.facts["key"], refused.value.facts["limit"]),
        (f"{record_class}.{event}", f"{limit_class}.{limit_event}"),
    }
    # Another rule with the same limit may be met first.
    assert {limit for _, limit in named} == {f"{limit_class}.{limit_event}"}
    if len([rule for rule in NOT_LONGER if rule[1] == pair[1]]) == 1:
        assert len(named) == 1


@pytest.mark.parametrize(
    ("untrusted", "line"),
    [
        (b"version = ", 1),
        (b"version = 1\n[\n\n", 2),
        (b"version = 1\nkeyset = [1,\n2\n\n", 3),
        (b"version = 1\n[keyset]\nexpired secret", 3),
        (b"version = 1\n# \xff\xfe", 2),
        (b"\xff\xfe", 1),
    ],
)
def test_policy_when_not_toml_then_the_file_and_the_line_are_named(
    untrusted: bytes, line: int
) -> None:
    """What is not TOML or not UTF-8 is refused as a whole, and the line alone is named."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(untrusted, name="next.toml")
    assert (refused.value.code, refused.value.facts) == (
        "policy_toml",
        {"file": "next.toml", "line": line},
    )


def test_policy_when_far_too_long_then_it_is_not_parsed() -> None:
    """One byte more than a policy can have is refused unread."""
    parse_policy(GOOD.encode().ljust(MAX_POLICY_BYTES, b"\n"))
    with pytest.raises(PolicyError) as refused:
        parse_policy(GOOD.encode().ljust(MAX_POLICY_BYTES + 1, b"\n"))
    assert refused.value.code == "policy_long"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("begun = 2\n", "begun = 0\n"),
        ("version = 1", "version = 2"),
        ("[keyset]", "[surprise]"),
        ("version = 1", "version = 1\nmore = 1"),
        ("[partial_upload]\nbegun = 2", "partial_upload = 7"),
        ("begun = 2\n", "begun = 3000\n"),
    ],
)
def test_policy_when_another_file_is_read_then_its_own_name_is_told(old: str, new: str) -> None:
    """Whoever tries a policy beside the one in force is not sent to the wrong file."""
    assert old in GOOD
    with pytest.raises(PolicyError) as refused:
        parse_policy(GOOD.replace(old, new, 1).encode(), name="next.toml")
    assert refused.value.facts["file"] == "next.toml"


def test_events_when_listed_then_every_class_has_one() -> None:
    """Every class of record has an event to count from."""
    assert set(EVENTS) == set(RecordClass)
    assert all(EVENTS.values())
