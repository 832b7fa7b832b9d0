"""Transcripts of answering by phone at the desk: from the signing key to the outgoing bundle."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.bundle import START, IndexEntry, format_index, format_trailer
from crypto.came_by import CameBy, Medium
from crypto.envelope import seal_tip
from crypto.keyset import choose_recipients, verify_keyset
from crypto.note import Signer, Verifier
from crypto.outgoing import ItemKind, open_item, verify_outgoing
from crypto.secret import Secret
from crypto.tip import Tip
from tests.cli.test_desk import LOG, READERS, run, save_private
from tipline.desk.keyfiles import read_key_file
from tipline.handle_words import speak_handle

NUMBER = "+525512345678"
ANSWERS = HybridIdentity.generate()
TODAY = datetime.datetime.now(datetime.UTC).date()
PSEUDONYM = "00ff" * 8
LATE = "2000-01-01T00:00:00Z"
IDS = {
    "open": "a" * 32, "over": "b" * 32, "claimed": "c" * 32, "walk_in": "d" * 32, "late": "e" * 32,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desk:
    """A desk that can answer, and a vault with tips of phones."""

    directory: Path
    keyset: bytes
    root: Verifier

    def run(self, *arguments: str, stdin: bytes = b"", language: str = "") -> Any:
        """Run a command of the desk."""
        return run(*arguments, directory=self.directory, stdin=stdin, language=language)

    def answer(self, part: str, tip: str, *more: str, **options: Any) -> Any:
        """Run `reply` or `status`."""
        return self.run(
            part, IDS[tip][:8], "--vault", "vault", "--signing", "signing.plain", "--out", "out",
            *more, **options,
        )  # fmt: skip

    def read_out(self) -> list[tuple[ItemKind, str]]:
        """Open the outgoing bundle as the service does."""
        keyset = verify_keyset(self.keyset, root=self.root, today=TODAY)
        note = (self.directory / "out").read_bytes()
        outgoing = verify_outgoing(note, keyset=keyset, today=TODAY)
        opened = [open_item(one, identity=ANSWERS) for one in outgoing.items]
        return [(one.kind, one.text) for one in opened]


def make_tip(**changes: Any) -> Tip:
    """A message of a phone."""
    came_by = CameBy(
        **{
            "name": "modem",
            "medium": Medium.SMS,
            "received_at": "2031-03-14T15:09:26Z",
            "continues": True,
            "sender": NUMBER,
            "conversation": "12" * 16,
            "reply_until": TODAY,
            "missing_parts": (2,),
            **changes,
        }
    )
    return Tip(
        text="El puente.", channel="works", language="es", sealing="gateway", gateway=came_by
    )


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Keys, keyset, a bundle with tips of phones, opened: by the commands alone."""
    directory = tmp_path_factory.mktemp("desk")
    save_private(directory / "passphrase", b"correct horse\n")
    phrase = ("--passphrase-file", "passphrase")
    made = run("keygen", "--reader", "ana", "--out", "ana.key", *phrase, directory=directory)
    assert made.returncode == 0, made.stderr
    recipient, signing = made.stdout.splitlines()
    readers = READERS.replace("RECIPIENT", recipient)
    readers = readers.replace("\n[[channel]]", f'signing = "{signing}"\n\n[[channel]]', 1)
    (directory / "readers.toml").write_text(readers)
    root = run("keygen", "--root", "--out", "root.key", "--json", *phrase, directory=directory)
    service = Signer.generate("tipline-service")
    for name, plain in (("ana.key", "ana"), ("ana.key.signing", "signing"), ("root.key", "root")):
        content = read_key_file(directory / name, ask=lambda path: Secret(b"correct horse"))
        save_private(directory / f"{plain}.plain", content.reveal())
    signed = run(
        "keyset", "--root", "root.plain", "--readers", "readers.toml", "--service",
        service.verifier().format(), "--log", LOG.verifier().format(), "--answers",
        ANSWERS.recipient().format(), "--out", "keyset", "--yes", directory=directory,
    )  # fmt: skip
    assert signed.returncode == 0, signed.stderr
    assert "reader ana, Ana, may answer sources" in signed.stderr
    assert f"the service's key {ANSWERS.recipient().format()[-12:]}" in signed.stderr
    desk = Desk(
        directory=directory,
        keyset=(directory / "keyset").read_bytes(),
        root=Verifier.parse(json.loads(root.stdout)["root"]),
    )
    write_bundle(desk, service)
    opened = desk.run(
        "open", "bundle", "--vault", "vault", "-i", "ana.plain", "--root", desk.root.format()
    )
    assert opened.returncode == 0, opened.stderr
    return desk


def sign_again(desk: Desk, out: str, *more: str, previous: str = "keyset") -> Any:
    """Sign the next keyset; tell its fields, and what a person saw."""
    (desk.directory / out).unlink(missing_ok=True)
    signed = desk.run(
        "keyset", "--root", "root.plain", "--readers", "readers.toml", "--service",
        Signer.generate("tipline-service").verifier().format(), "--log", LOG.verifier().format(),
        "--previous", previous, "--out", out, "--yes", "--json", *more,
    )  # fmt: skip
    assert signed.returncode == 0, signed.stderr
    return json.loads(signed.stdout), signed.stderr.splitlines()


def test_keyset_when_signed_again_then_address_and_key_for_answers_stay_until_taken_out(
    desk: Desk,
) -> None:
    """Nobody ends the answers by forgetting an option; what stays is shown, what goes is, too."""
    onion, key = "a" * 56 + ".onion", ANSWERS.recipient().format()
    told, said = sign_again(desk, "k2", "--onion", onion)
    assert (told["number"], told["onion"], told["answers"]) == (2, onion, key)
    assert "changed: the source's address" in said
    assert f"stays: answers by phone are sealed to the service's key {key[-12:]}" in said
    told, said = sign_again(desk, "k3", previous="k2")
    assert (told["number"], told["onion"], told["answers"]) == (3, onion, key)
    assert f"stays: the source's address {onion}" in said
    told, said = sign_again(desk, "k4", "--no-onion", "--no-answers", previous="k3")
    assert (told["number"], told["onion"], told["answers"]) == (4, None, None)
    assert "the source's address is no longer in the keyset" in said
    assert "answers by phone are no longer given" in said
    assert not any(line.startswith("stays") for line in said)
    told, said = sign_again(desk, "k5", previous="k4")
    assert (told["onion"], told["answers"]) == (None, None)


def test_keyset_when_an_option_and_its_contrary_are_given_then_nothing_is_signed(
    desk: Desk,
) -> None:
    """Which of the two is meant is not guessed."""
    for words in (
        ("--onion", "a" * 56 + ".onion", "--no-onion"),
        ("--answers", "a", "--no-answers"),
    ):
        refused = desk.run(
            "keyset", "--root", "root.plain", "--readers", "readers.toml", "--service", "s",
            "--log", "l", "--out", "never", *words,
        )  # fmt: skip
        assert refused.returncode == 2
        assert "not allowed with" in refused.stderr
        assert not (desk.directory / "never").exists()


def write_bundle(desk: Desk, service: Signer) -> None:
    """Make a bundle as the service does."""
    keyset = verify_keyset(desk.keyset, root=desk.root, today=TODAY)
    tips = {
        "open": make_tip(),
        "over": make_tip(reply_until=TODAY - datetime.timedelta(days=1)),
        "claimed": make_tip(),  # of which the service does not say that it sealed it
        "walk_in": make_tip(
            medium=Medium.WALK_IN, sender=None, conversation=None, reply_until=None,
            continues=False, missing_parts=(),
        ),
        "late": make_tip(medium=Medium.WHATSAPP, answer_until=LATE),
    }  # fmt: skip
    entries, envelopes, offset = [], [], len(START)
    for name, tip in tips.items():
        sealed = io.BytesIO()
        recipients = choose_recipients(keyset, channel="works", today=TODAY)
        seal_tip(sealed, tip=tip, recipients=recipients)
        envelopes.append(sealed.getvalue())
        entries.append(
            IndexEntry(
                id=IDS[name],
                arrived_on=TODAY,
                dies_on=TODAY + datetime.timedelta(days=90),
                channel="works",
                size_bytes=len(sealed.getvalue()),
                sealed_by_service=name != "claimed",
                keyset=1,
                offset=offset,
                sha256=hashlib.sha256(sealed.getvalue()).hexdigest(),
                pseudonym=PSEUDONYM if name == "open" else None,
            )
        )
        offset += len(sealed.getvalue())
    index = format_index(entries, made_on=TODAY, keyset_note=desk.keyset, signer=service)
    bundle = START + b"".join(envelopes) + index + format_trailer(len(index))
    (desk.directory / "bundle").write_bytes(bundle)


@pytest.fixture
def desk(ceremony: Desk) -> Desk:
    """The desk, without an outgoing bundle."""
    (ceremony.directory / "out").unlink(missing_ok=True)
    return ceremony


def test_show_when_the_tip_came_from_a_phone_then_who_saw_it_and_from_whom_is_said(
    desk: Desk,
) -> None:
    """Handle, way, sender and last day; and that phone company and service saw it."""
    shown = desk.run("show", IDS["open"], "--vault", "vault").stdout

    for line in (
        "sealed: by the service: the phone company and this service saw it",
        "came as: text message (SMS)",
        "gateway: modem",
        f"from: {NUMBER}",
        f"handle: {speak_handle(bytes.fromhex(PSEUDONYM), 'en')}",
        "the sender wrote before, within the time for answers: yes",
        f"can be answered until: {TODAY}",
        "parts that never came: 2",
    ):
        assert f"{line}\n" in shown
    spanish = desk.run("show", IDS["open"], "--vault", "vault", language="es").stdout
    assert speak_handle(bytes.fromhex(PSEUDONYM), "es") in spanish
    listed = desk.run("list", "--vault", "vault").stdout.splitlines()
    assert [len(line.split()) for line in listed] == [5, 4, 4, 4, 4]
    told = json.loads(desk.run("show", IDS["open"], "--vault", "vault", "--json").stdout)
    assert told["handle"] == speak_handle(bytes.fromhex(PSEUDONYM), "en")


def test_show_when_only_the_tip_says_that_it_came_from_a_phone_then_it_is_a_claim(
    desk: Desk,
) -> None:
    """Anybody can write the field: then nothing of it is shown as known, nor answered."""
    shown = desk.run("show", IDS["claimed"], "--vault", "vault").stdout

    assert "sealed: not by the service, though the tip itself claims to come from a phone" in shown
    assert NUMBER not in shown
    refused = desk.answer("reply", "claimed", stdin=b"Gracias.\n")
    assert refused.returncode == 52
    assert not (desk.directory / "out").exists()


def test_reply_when_written_then_the_service_can_open_it_and_the_tip_shows_it(desk: Desk) -> None:
    """Two answers go into one bundle, and both stand beside the tip afterwards."""
    (desk.directory / "text").write_text("Gracias. Venga mañana.\n")
    first = desk.answer("reply", "open", "--text", "text")
    assert first.returncode == 0, first.stderr
    assert re.fullmatch(r"[0-9a-f]{32}\n", first.stdout)
    assert "it goes in 1 message;" in first.stderr
    second = desk.answer("reply", "open", "--json", stdin="¿Dónde?\n".encode())
    assert json.loads(second.stdout)["answers"] == 2

    assert desk.read_out() == [
        (ItemKind.ANSWER, "Gracias. Venga mañana."),
        (ItemKind.ANSWER, "¿Dónde?"),
    ]
    shown = desk.run("show", IDS["open"], "--vault", "vault").stdout
    assert f"answered on {TODAY} by ana: ¿Dónde?\n" in shown
    content = (desk.directory / "out").read_bytes()
    assert b"Gracias" not in content
    assert b"12" * 16 not in content


def test_status_when_set_then_it_is_in_the_tips_language_and_goes_in_one_message(
    desk: Desk,
) -> None:
    """The words are the tip's language's, without the accents that would cost half the room."""
    done = desk.answer(
        "status", "open", "--set", "review", "--unit", "Dirección de Obras", "--by", "2031-12-24"
    )
    assert done.returncode == 0, done.stderr
    text = "En revision. Lo tiene: Direccion de Obras. Tendra respuesta a mas tardar el 2031-12-24."
    assert f"the source will read: {text}\n" in done.stderr
    other = desk.answer("status", "open", "--set", "closed", "--language", "pt")
    assert other.returncode == 0, other.stderr
    assert desk.read_out() == [(ItemKind.STATUS, text), (ItemKind.STATUS, "Encerrado.")]


def test_status_when_the_app_takes_no_answer_any_more_then_it_can_still_be_set(
    desk: Desk,
) -> None:
    """Who asks for it writes again: so a status reaches a phone that no answer would reach."""
    shown = desk.run("show", IDS["late"], "--vault", "vault").stdout
    assert f"can be answered until: {LATE}: for so long the app takes an answer" in shown
    assert f"a status can be set until {TODAY}\n" in shown
    refused = desk.answer("reply", "late", stdin=b"Gracias.\n")
    assert refused.returncode == 52
    assert f"the app took an answer until {LATE}" in refused.stderr
    assert not (desk.directory / "out").exists()
    done = desk.answer("status", "late", "--set", "review")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("tip", "stdin", "words"),
    [
        ("over", b"Gracias.\n", "was the last day for an answer: the number is gone"),
        ("walk_in", b"Gracias.\n", "nobody can be answered"),
        ("open", b"", "an answer is plain text of 1 to 1000 characters"),
        ("open", b"\xff\n", "an answer is plain text of 1 to 1000 characters"),
        ("open", b"a" * 1000, "this takes 7 messages; an answer takes at most 6"),
    ],
)
def test_reply_when_it_cannot_arrive_then_nothing_is_written(
    desk: Desk, tip: str, stdin: bytes, words: str
) -> None:
    """The reason is said, and neither a bundle nor a note beside the tip is left."""
    refused = desk.answer("reply", tip, stdin=stdin)

    assert refused.returncode == 52
    assert words in refused.stderr
    assert not (desk.directory / "out").exists()


def test_status_when_it_is_wrong_then_nothing_is_written(desk: Desk) -> None:
    """A day that is none or over, two lines for a name, another's key: each has its words."""
    for more, words, code in (
        (["--set", "review", "--by", "tomorrow"], "a day is written YYYY-MM-DD", 2),
        (["--set", "review", "--by", "2020-01-01"], "2020-01-01 is over", 2),
        (["--set", "closed", "--by", "2031-12-24"], "what is closed has no day", 52),
        (["--set", "review", "--unit", "Obras\nCierre"], "one line of plain text", 52),
        (["--set", "review", "--signing", "root.plain"], "no key that signs answers", 52),
    ):
        refused = desk.answer("status", "open", *more)
        assert refused.returncode == code
        assert words in refused.stderr
        assert not (desk.directory / "out").exists()
