"""policy.toml: no default, nothing unknown, no value in an error."""

from __future__ import annotations

import datetime

import pytest

from retention.errors import PolicyError
from retention.policy import EVENTS, Event, Period, RecordClass, parse_policy

GOOD = """\
version = 1
[partial_upload]
from = "begun"
keep_days = 2
[sealed_tip]
from = "arrived"
keep_days = 90
[upload_answer]
from = "arrived"
keep_days = 3
"""


def test_policy_when_complete_then_every_class_has_its_period() -> None:
    """A complete policy gives each class the period and the event that were written."""
    assert parse_policy(GOOD.encode()).periods == {
        RecordClass.PARTIAL_UPLOAD: Period(keep_days=2, counted_from=Event.BEGUN),
        RecordClass.SEALED_TIP: Period(keep_days=90, counted_from=Event.ARRIVED),
        RecordClass.UPLOAD_ANSWER: Period(keep_days=3, counted_from=Event.ARRIVED),
    }


@pytest.mark.parametrize(
    ("record_class", "dies_on"),
    [
        (RecordClass.PARTIAL_UPLOAD, datetime.date(2032, 3, 1)),
        (RecordClass.SEALED_TIP, datetime.date(2032, 5, 28)),
        (RecordClass.UPLOAD_ANSWER, datetime.date(2032, 3, 2)),
    ],
)
def test_dies_on_when_the_event_was_on_a_day_then_the_period_later(
    record_class: RecordClass, dies_on: datetime.date
) -> None:
    """A record dies its class's number of days after its event; leap days count."""
    policy = parse_policy(GOOD.encode())
    assert policy.dies_on(record_class, event_on=datetime.date(2032, 2, 28)) == dies_on


@pytest.mark.parametrize("line", [line for line in GOOD.splitlines() if "=" in line])
def test_policy_when_a_key_is_missing_then_it_is_named(line: str) -> None:
    """There is no default: each missing key is an error that names it."""
    before, _, after = GOOD.partition(line)
    with pytest.raises(PolicyError) as refused:
        parse_policy((before + after).encode())
    assert refused.value.code == "policy_missing_key"
    assert str(refused.value.facts["key"]).endswith(line.split(" ", maxsplit=1)[0])


def test_policy_when_a_class_is_missing_then_it_is_named() -> None:
    """A class of record without a period is an error."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(GOOD.partition("[upload_answer]")[0].encode())
    assert (refused.value.code, refused.value.facts) == (
        "policy_missing_key",
        {"key": "upload_answer"},
    )


@pytest.mark.parametrize(
    ("added", "key"),
    [("[surprise]\nkeep_days = 7\n", "surprise"), ("keep_hours = 7\n", "upload_answer.keep_hours")],
)
def test_policy_when_a_key_is_unknown_then_it_is_named(added: str, key: str) -> None:
    """What we do not know is an error, since it would not happen."""
    with pytest.raises(PolicyError) as refused:
        parse_policy((GOOD + added).encode())
    assert (refused.value.code, refused.value.facts) == ("policy_unknown_key", {"key": key})


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("version = 1", "version = 2", "version"),
        ("version = 1", "version = true", "version"),
        ("keep_days = 2\n", "keep_days = 0\n", "partial_upload.keep_days"),
        ("keep_days = 2\n", "keep_days = -2\n", "partial_upload.keep_days"),
        ("keep_days = 2\n", "keep_days = 3651\n", "partial_upload.keep_days"),
        ("keep_days = 2\n", "keep_days = true\n", "partial_upload.keep_days"),
        ("keep_days = 2\n", 'keep_days = "2"\n', "partial_upload.keep_days"),
        ("keep_days = 2\n", "keep_days = 2.5\n", "partial_upload.keep_days"),
        ('from = "begun"', 'from = "arrived"', "partial_upload.from"),
        ('from = "begun"', "from = 7", "partial_upload.from"),
        ('[partial_upload]\nfrom = "begun"\nkeep_days = 2', "partial_upload = 7", "partial_upload"),
    ],
)
def test_policy_when_a_value_is_wrong_then_its_key_is_named_and_not_the_value(
    old: str, new: str, key: str
) -> None:
    """A value of another type, range or event is an error that names the key alone."""
    assert old in GOOD
    with pytest.raises(PolicyError) as refused:
        parse_policy(GOOD.replace(old, new, 1).encode())
    assert (refused.value.code, refused.value.facts) == ("policy_wrong_value", {"key": key})


@pytest.mark.parametrize("untrusted", [b"version = ", b"\xff\xfe", b"#" * 65_537])
def test_policy_when_not_toml_then_refused(untrusted: bytes) -> None:
    """What is not TOML, not UTF-8 or far too long is refused as a whole."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(untrusted)
    assert refused.value.code == "policy_toml"


def test_events_when_listed_then_every_class_has_one() -> None:
    """Every class of record has an event to count from."""
    assert set(EVENTS) == set(RecordClass)
    assert all(EVENTS.values())
