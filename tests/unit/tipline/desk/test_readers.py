"""`readers.toml`, and what is said of the changes."""

from __future__ import annotations

import dataclasses
import datetime
import gettext
import re
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.cosignature import WitnessVerifier
from crypto.keyset import sign_keyset, verify_keyset
from crypto.note import Signer
from tipline.desk.changes import describe_changes
from tipline.desk.readers import parse_readers
from tipline.errors import ConfigurationError

ENGLISH: Any = {"translate": str, "translate_counted": gettext.NullTranslations().ngettext}
CATEGORY = "[[channel.category]]"
REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "readers.md"
SIGNING = Signer.generate("tipline-reader/ana").verifier()
OTHER = Signer.generate("tipline-reader/bea").verifier()
TEMPLATE = """
version = 1

[[reader]]
id = "ana"
name = "Ana"
unit = "Investigations"
since = 2026-01-01
recipient = "RECIPIENT"
signing = "SIGNING"

[[channel]]
id = "works"
names = { en = "Works", es = "Obras", pt = "Obras" }

[[channel.category]]
id = "roads"
names = { en = "Roads", es = "Caminos", pt = "Estradas" }

[[channel.reader]]
reader = "ana"
from = 2026-01-01
until = 2027-01-01
optional = false
"""


@pytest.fixture(scope="module")
def text(ana: HybridIdentity) -> str:
    """A complete file."""
    filled = TEMPLATE.replace("RECIPIENT", ana.recipient().format())
    return filled.replace("SIGNING", SIGNING.format())


def test_readers_when_complete_then_everything_is_read(text: str, ana: HybridIdentity) -> None:
    """Each key arrives where it belongs."""
    written = parse_readers(text.encode())
    readers, channels = written.readers, written.channels

    assert [(r.id, r.name, r.unit, r.recipient, r.signing) for r in readers] == [
        ("ana", "Ana", "Investigations", ana.recipient(), SIGNING)
    ]
    assert readers[0].since_on == datetime.date(2026, 1, 1)
    assert channels[0].names["pt"] == "Obras"
    assert channels[0].categories[0].names["es"] == "Caminos"
    assert channels[0].readers[0].until_on == datetime.date(2027, 1, 1)
    assert channels[0].readers[0].optional is False


def test_readers_when_optional_keys_are_absent_then_that_has_a_meaning(text: str) -> None:
    """No last day means as long as the keyset; no category, none; no signing key, no answers."""
    text = text.replace("until = 2027-01-01\n", "").replace(f'signing = "{SIGNING.format()}"\n', "")
    text = re.sub(r"\[\[channel\.category\]\]\n.*\n.*\n", "", text)
    written = parse_readers(text.encode())
    channels = written.channels

    assert written.readers[0].signing is None
    assert channels[0].readers[0].until_on is None
    assert channels[0].categories == ()


@pytest.mark.parametrize(
    ("code", "key", "old", "new"),
    [
        ("readers_missing_key", "version", "version = 1", ""),
        ("readers_wrong_value", "version", "version = 1", "version = 2"),
        ("readers_wrong_value", "version", "version = 1", "version = true"),
        ("readers_unknown_key", "colour", "version = 1", "version = 1\ncolour = 'red'"),
        ("readers_missing_key", "reader[1].unit", 'unit = "Investigations"', ""),
        ("readers_unknown_key", "reader[1].x", 'unit = "Inv', 'x = 1\nunit = "Inv'),
        ("readers_wrong_value", "reader[1].name", 'name = "Ana"', "name = 1"),
        ("readers_wrong_value", "reader[1].name", 'name = "Ana"', 'name = ""'),
        ("readers_wrong_value", "reader[1].since", "2026-01-01\nrec", "'2026-01-01'\nrec"),
        ("readers_wrong_value", "reader[1].since", "-01\nrec", "-01T00:00:00\nrec"),
        ("readers_recipient", "reader[1].recipient", "age1pq1", "age1"),
        ("readers_wrong_value", "reader[1].signing", 'signing = "', 'signing = "x'),
        ("readers_wrong_value", "reader[1].signing", SIGNING.format(), OTHER.format()),
        ("readers_missing_key", "channel[1].names.pt", ', pt = "Obras"', ""),
        ("readers_unknown_key", "channel[1].names.de", 'pt = "O', 'de = "x", pt = "O'),
        ("readers_wrong_value", "channel[1].names", "names = {", "names = 1 #"),
        ("readers_missing_key", "channel[1].category[1].id", 'id = "roads"', ""),
        ("readers_missing_key", "channel[1].reader[1].optional", "optional = false", ""),
        ("readers_wrong_value", "channel[1].reader[1].optional", "= false", "= 0"),
        ("readers_unknown_key", "channel[1].reader[1].untill", "until =", "untill ="),
        ("readers_wrong_value", "reader", "[[reader]]", "[reader]"),
        ("readers_wrong_value", "channel[1].category", CATEGORY, "category = 1 #"),
        ("readers_wrong_value", "channel[1].category[1]", CATEGORY, "category = [1] #"),
    ],
)  # fmt: skip
def test_readers_when_a_key_is_off_then_it_is_named(
    text: str, code: str, key: str, old: str, new: str
) -> None:
    """A missing, unknown or wrong key is named by its place; its value is not."""
    assert old in text
    changed = text.replace(old, new, 1)
    if "category = " in new:
        changed = re.sub(r"(category = .*\n)id = .*\nnames = .*\n", r"\1", changed)

    with pytest.raises(ConfigurationError) as caught:
        parse_readers(changed.encode())
    assert (caught.value.code, caught.value.facts) == (code, {"key": key})


@pytest.mark.parametrize("untrusted", [b"\xff", b"version = ", b"version = 1\nversion = 1"])
def test_readers_when_it_is_not_toml_then_it_is_said(untrusted: bytes) -> None:
    """What is not TOML is not guessed."""
    with pytest.raises(ConfigurationError) as caught:
        parse_readers(untrusted)
    assert caught.value.code == "readers_toml"


def test_readers_when_documented_then_the_example_is_read(ana: HybridIdentity) -> None:
    """The reference's example is a complete file."""
    example = re.search(r"```toml\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    assert example is not None
    recipient = ana.recipient().format()
    filled = re.sub(r'"age1pq1[^"]*"', f'"{recipient}"', example[1])
    written = parse_readers(filled.encode())

    assert written.readers
    assert written.channels


@pytest.mark.parametrize("key", re.findall(r"^(\w+) =", TEMPLATE, re.MULTILINE))
def test_readers_when_a_key_exists_then_it_is_documented(key: str) -> None:
    """Every key has its line in the reference."""
    assert f"`{key}`" in REFERENCE.read_text()


def describe(line: Any, draft: Any) -> list[str]:
    """What signing *draft* after the line's keyset would change."""
    return describe_changes(draft, previous=line.keyset, **ENGLISH)


def test_changes_when_nothing_changes_then_that_is_said(line: Any) -> None:
    """A renewed keyset says so."""
    assert describe(line, line.draft) == [
        "keyset 2: valid from 2026-11-21 to 2026-12-21, 31 days",
        "nothing else changes",
    ]


def test_changes_when_first_then_everything_is_new(line: Any) -> None:
    """The first keyset names every reader and every channel."""
    lines = describe_changes(line.draft, previous=None, **ENGLISH)

    assert lines == [
        "keyset 1: valid from 2026-11-21 to 2026-12-21, 31 days",
        "this is the first keyset: nothing came before it",
        "new reader: ana, Ana, Investigations",
        "new reader: bea, Bea, Investigations",
        "new channel: works",
        "channel works: ana reads from 2026-01-01 on",
        "channel works: bea reads from 2026-01-01 on (a source may leave this reader out)",
    ]


def test_changes_when_something_changes_then_each_is_named(
    line: Any, stranger: HybridIdentity
) -> None:
    """A new key under an old name, a removed reader, other days: all are said."""
    ana, _bea = line.draft.readers
    channel = line.draft.channels[0]
    entry = dataclasses.replace(channel.readers[0], until_on=datetime.date(2026, 12, 1))
    draft = dataclasses.replace(
        line.draft,
        readers=(dataclasses.replace(ana, recipient=stranger.recipient(), unit="Audit"),),
        channels=(
            dataclasses.replace(channel, names={**channel.names, "en": "Roads"}, readers=(entry,)),
        ),
        service=Signer.generate("tipline-service").verifier(),
        log=Signer.generate("tipline-log/" + 16 * "1").verifier(),
        witnesses=(WitnessVerifier(name="auditor", public_key=bytes(32)),),
        quorum=1,
        onion="a" * 56 + ".onion",
        answers=stranger.recipient(),
    )

    assert describe(line, draft)[1:] == [
        "new key for reader ana, Ana",
        "changed: name, unit or first day of reader ana",
        "removed reader: bea, Bea",
        "changed: names or categories of channel works",
        "channel works: ana reads from 2026-01-01 to 2026-12-01",
        "channel works: bea no longer reads",
        "changed: the service's key",
        "changed: the log's key",
        "new witness: auditor",
        "a checkpoint of the log needs 1 of its witnesses",
        "changed: the source's address",
        "answers by phone are sealed to the service's key " + stranger.recipient().format()[-12:],
    ]


def test_changes_when_who_answers_changes_then_it_is_named(line: Any) -> None:
    """A reader's key for answers, new, changed or gone, is said as loudly as the other."""
    ana, bea = line.draft.readers

    def sign(*readers: Any, answers: Any = None) -> Any:
        return dataclasses.replace(line.draft, readers=readers, answers=answers)

    keys = [Signer.generate("tipline-reader/ana").verifier() for _ in range(2)]
    first, second = (dataclasses.replace(ana, signing=key) for key in keys)
    before = sign_keyset(
        sign(first, bea, answers=HybridIdentity.generate().recipient()),
        signer=line.root,
        today=line.draft.valid_from,
    )
    keyset = verify_keyset(before, root=line.root.verifier(), today=line.draft.valid_from)

    def lines(draft: Any, previous: Any) -> list[str]:
        return describe_changes(draft, previous=previous, **ENGLISH)

    assert "reader ana, Ana, may answer sources" in lines(sign(first, bea), None)
    assert lines(sign(second, bea), keyset)[1:] == [
        "new key for the answers of reader ana, Ana",
        "answers by phone are no longer given",
    ]
    assert lines(sign(ana, bea, answers=keyset.answers), keyset)[1:] == [
        "reader ana, Ana, no longer answers sources"
    ]


def test_changes_when_a_witness_goes_then_it_is_named(line: Any) -> None:
    """A witness who is no more, and a quorum of none, are said."""
    witness = WitnessVerifier(name="auditor", public_key=bytes(32))
    before = dataclasses.replace(line.draft, witnesses=(witness,), quorum=1)
    note = sign_keyset(before, signer=line.root, today=line.draft.valid_from)
    keyset = verify_keyset(note, root=line.root.verifier(), today=line.draft.valid_from)

    assert describe_changes(line.draft, previous=keyset, **ENGLISH)[1:] == [
        "removed witness: auditor",
        "a checkpoint of the log needs 0 of its witnesses",
    ]


def test_witnesses_when_written_down_then_they_are_read(text: str) -> None:
    """Absent is nobody; what stands there is complete."""
    key = WitnessVerifier(name="auditor", public_key=bytes(32)).format()
    written = parse_readers(f'{text}\n[witnesses]\nkeys = ["{key}"]\nquorum = 1\n'.encode())

    assert [witness.format() for witness in written.witnesses] == [key]
    assert written.quorum == 1
    assert parse_readers(text.encode()).witnesses == ()


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("[witnesses]", "witnesses.keys"),
        ("[witnesses]\nkeys = []\nquorum = 1", "witnesses.keys"),
        ('[witnesses]\nkeys = ["x"]\nquorum = 1', "witnesses.keys[1]"),
        ("[witnesses]\nkeys = [1]\nquorum = 1", "witnesses.keys[1]"),
        ("[[witnesses]]", "witnesses"),
        ('[witnesses]\nkeys = ["KEY"]', "witnesses.quorum"),
        ('[witnesses]\nkeys = ["KEY"]\nquorum = 0', "witnesses.quorum"),
        ('[witnesses]\nkeys = ["KEY"]\nquorum = true', "witnesses.quorum"),
        ('[witnesses]\nkeys = ["KEY"]\nquorum = 1\nother = 1', "witnesses.other"),
    ],
)
def test_witnesses_when_wrong_then_the_key_is_named(text: str, table: str, key: str) -> None:
    """A wrong, missing or unknown key of the table is refused by its name."""
    known = WitnessVerifier(name="auditor", public_key=bytes(32)).format()
    with pytest.raises(ConfigurationError) as caught:
        parse_readers(f"{text}\n{table.replace('KEY', known)}\n".encode())

    assert caught.value.facts["key"] == key


def test_changes_when_a_channel_goes_then_it_is_named(line: Any) -> None:
    """A channel that is no more is said to be removed."""
    channel = dataclasses.replace(line.draft.channels[0], id="other")
    lines = describe(line, dataclasses.replace(line.draft, channels=(channel,)))

    assert "new channel: other" in lines
    assert "removed channel: works" in lines
