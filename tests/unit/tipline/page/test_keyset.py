"""The page judges keysets as the Python side does."""

from __future__ import annotations

import base64
import copy
import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.errors import CryptoError
from crypto.keyset import sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer, sign_note
from tests.unit.tipline.page.conftest import call_page

TODAY = datetime.date(2031, 3, 14)
ROOT = Signer.generate("tipline-root")
NAMES = {"en": "Works", "es": "Obras", "pt": "Obras"}
READERS = [HybridIdentity.generate().recipient() for _ in range(3)]


def sign(*, root: Signer = ROOT) -> bytes:
    """A keyset with a reader, an optional one, and one whose days are over."""
    since = datetime.date(2030, 1, 1)
    ids = ("a", "b", "c")
    return sign_keyset(
        KeysetDraft(
            valid_from=TODAY,
            valid_until=TODAY + datetime.timedelta(days=30),
            service=Signer.generate("tipline-service").verifier(),
            log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
            witnesses=(),
            quorum=0,
            onion=None,
            readers=tuple(
                Reader(id=id_, name=id_, unit="u", since_on=since, recipient=recipient)
                for id_, recipient in zip(ids, READERS, strict=True)
            ),
            channels=(
                Channel(
                    id="works",
                    names=NAMES,
                    categories=(),
                    readers=(
                        ChannelReader(reader="a", from_on=since, until_on=None, optional=False),
                        ChannelReader(reader="b", from_on=since, until_on=None, optional=True),
                        ChannelReader(
                            reader="c",
                            from_on=since,
                            until_on=TODAY - datetime.timedelta(days=1),
                            optional=True,
                        ),
                    ),
                ),
            ),
        ),
        signer=root,
        today=TODAY,
    )


NOTE = sign()


def ask(note: bytes, *, today: datetime.date = TODAY, minimum: int = 0) -> dict[str, Any]:
    """What the page says to a keyset."""
    settings = {
        "root": ROOT.verifier().format(),
        "minimum": minimum,
        "today": today.isoformat(),
    }
    (answer,) = call_page("keyset.ts", ("verifyKeyset", [{"hex": note.hex()}, settings]))
    return answer


def resign(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A keyset whose fields were changed before the root signed it."""
    first, line, _rest = NOTE.decode().split("\n", 2)
    fields = json.loads(line)
    change(fields)
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return sign_note(f"{first}\n{text}\n", ROOT)


def test_page_accepts_what_python_accepts() -> None:
    """The same number, days and readers on both sides."""
    keyset = verify_keyset(NOTE, root=ROOT.verifier(), today=TODAY)
    value = ask(NOTE)["value"]
    assert value["number"] == keyset.number
    assert value["validUntil"] == keyset.valid_until.isoformat()
    members = value["channels"][0]["readers"]
    assert [member["reader"]["recipient"] for member in members] == [
        recipient.format() for recipient in READERS
    ]
    assert value["fill"] == [recipient.format() for recipient in keyset.fill]


def _flip(note: bytes, offset: int) -> bytes:
    return note[:offset] + bytes([note[offset] ^ 1]) + note[offset + 1 :]


def _malleable(note: bytes) -> bytes:
    # s + L: the same signature to a verifier that does not check the range of s.
    order = 2**252 + 27742317777372353535851937790883648493
    head, _, encoded = note.rstrip(b"\n").rpartition(b" ")
    signature = base64.b64decode(encoded)
    s = int.from_bytes(signature[36:], "little") + order
    return head + b" " + base64.b64encode(signature[:36] + s.to_bytes(32, "little")) + b"\n"


FORGED = {
    "another root": sign(root=Signer.generate("tipline-root")),
    "a bit of the text": _flip(NOTE, 40),
    "a bit of the signature": NOTE[:-10] + _flip(NOTE[-10:], 2),
    "no signature": NOTE.rpartition("\N{EM DASH}".encode())[0],
    "two signatures": NOTE + NOTE.rpartition(b"\n\n")[2],
    "no newline at the end": NOTE[:-1],
    "a byte after the end": NOTE + b"\n",
    "s above the order": _malleable(NOTE),
    "not UTF-8": NOTE.replace(b'"en":"Works"', b'"en":"W\xff\xfes"'),
    "empty": b"",
}


@pytest.mark.parametrize("case", FORGED)
def test_page_refuses_a_forged_keyset_as_python_does(case: str) -> None:
    """Whatever is not exactly what the root signed is refused on both sides."""
    assert FORGED[case] != NOTE
    with pytest.raises(CryptoError):
        verify_keyset(FORGED[case], root=ROOT.verifier(), today=TODAY)
    assert ask(FORGED[case]) == {"error": "unsigned"}


MALFORMED: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown field": lambda f: f.update(extra=1),
    "missing field": lambda f: f.pop("onion"),
    "no word on answers": lambda f: f.pop("answers"),
    "no word on a reader's answers": lambda f: f["readers"][0].pop("signing"),
    "number zero": lambda f: f.update(number=0),
    "number a fraction": lambda f: f.update(number=1.5),
    "number a text": lambda f: f.update(number="1"),
    "number too large": lambda f: f.update(number=2**53),
    "a day that is none": lambda f: f.update(valid_until="2031-3-14"),
    "six fill keys": lambda f: f["fill"].pop(),
    "a classic recipient": lambda f: f["readers"][0].update(recipient="age1" + "q" * 58),
    "a broken recipient": lambda f: f["readers"][0].update(
        recipient=f["readers"][0]["recipient"][:-1] + "q"
    ),
    "a reader twice": lambda f: f["readers"].append(copy.deepcopy(f["readers"][0])),
    "nine readers": lambda f: f["channels"][0]["readers"].extend(
        [f["channels"][0]["readers"][0]] * 6
    ),
    "no reader": lambda f: f["channels"][0]["readers"].clear(),
    "an unknown reader": lambda f: f["channels"][0]["readers"][0].update(reader="z"),
    "optional a number": lambda f: f["channels"][0]["readers"][0].update(optional=1),
    "a language missing": lambda f: f["channels"][0]["names"].pop("es"),
    "32 days": lambda f: f.update(valid_until="2031-04-14"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_page_refuses_a_malformed_keyset_as_python_does(case: str) -> None:
    """A keyset outside the format is refused on both sides, even when the root signed it."""
    note = resign(MALFORMED[case])
    with pytest.raises(CryptoError):
        verify_keyset(note, root=ROOT.verifier(), today=TODAY)
    assert ask(note) == {"error": "unsigned"}


def test_page_takes_a_resigned_keyset_that_is_unchanged() -> None:
    """The refusals above are not the work of signing again."""
    assert ask(resign(lambda fields: None))["value"]["number"] == 1


@pytest.mark.parametrize(("days", "error"), [(-1, "early"), (0, None), (30, None), (31, "expired")])
def test_page_takes_a_keyset_on_its_days_and_on_no_other(days: int, error: str | None) -> None:
    """Both the first and the last day are days of it."""
    assert ask(NOTE, today=TODAY + datetime.timedelta(days=days)).get("error") == error


def test_page_refuses_an_older_keyset() -> None:
    """Below the number that was seen it is old; at it, it is not."""
    assert ask(NOTE, minimum=2) == {"error": "old"}
    assert "value" in ask(NOTE, minimum=1)


def choose(*, leave_out: list[str], times: int = 1, channel: str = "works") -> list[Any]:
    """Recipients, as the page chooses them."""
    keyset = ask(NOTE)["value"]
    day = TODAY.isoformat()
    wish = {"channel": channel, "leaveOut": leave_out, "shownOn": day, "today": day}
    return call_page("recipients.ts", *[("chooseRecipients", [keyset, wish])] * times)


@pytest.mark.parametrize("leave_out", [[], ["b"]])
def test_page_seals_to_eight_different_recipients_of_whom_only_readers_open(
    leave_out: list[str],
) -> None:
    """Left-out and former readers are not among the eight; throwaways and fill complete them."""
    (answer,) = choose(leave_out=leave_out)
    chosen = answer["value"]
    first, second, former = (recipient.format() for recipient in READERS)
    assert len(chosen) == len(set(chosen)) == 8
    assert first in chosen
    assert (second in chosen) == (leave_out == [])
    assert former not in chosen
    fill = set(ask(NOTE)["value"]["fill"])
    throwaways = set(chosen) - fill - {first, second}
    assert len(throwaways) == 1 + len(leave_out)
    assert len(fill & set(chosen)) == 5


def test_page_puts_the_eight_in_an_order_that_says_nothing() -> None:
    """The first reader's stanza stands in many places."""
    first = READERS[0].format()
    places = {answer["value"].index(first) for answer in choose(leave_out=[], times=60)}
    assert len(places) > 4


@pytest.mark.parametrize("leave_out", [["a"], ["z"]])
def test_page_refuses_to_leave_out_whom_the_channel_does_not_let_go(leave_out: list[str]) -> None:
    """The wish is refused aloud, not dropped."""
    assert choose(leave_out=leave_out) == [{"error": "keyset"}]


def test_page_refuses_an_unknown_channel() -> None:
    """No tip goes to a channel that the keyset does not have."""
    assert choose(leave_out=[], channel="other") == [{"error": "keyset"}]


@pytest.mark.parametrize(
    ("shown", "today", "error"),
    [(0, 1, None), (-1, -1, None), (-1, 0, "keyset"), (0, -1, "keyset")],
)
def test_page_seals_to_nobody_whom_the_source_was_not_shown(
    shown: int, today: int, error: str | None
) -> None:
    """Another day is no reason to refuse; another set of readers is, whichever way it differs."""
    keyset = ask(NOTE)["value"]  # the third reader's last day is the day before
    days = [(TODAY + datetime.timedelta(days=offset)).isoformat() for offset in (shown, today)]
    wish = {"channel": "works", "leaveOut": [], "shownOn": days[0], "today": days[1]}
    (answer,) = call_page("recipients.ts", ("chooseRecipients", [keyset, wish]))
    assert answer.get("error") == error
