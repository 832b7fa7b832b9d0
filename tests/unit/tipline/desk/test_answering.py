"""Answering somebody who wrote by phone, on the workstation."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.came_by import CameBy, Medium
from crypto.fields import MAX_ITEMS
from crypto.keyset import sign_keyset, verify_keyset
from crypto.note import Signer
from crypto.outgoing import (
    ItemKind,
    SealedItem,
    open_item,
    read_own_outgoing,
    sign_outgoing,
    verify_outgoing,
)
from tipline.desk.answering import MAX_MESSAGES, check_answerable, check_in_time, write_answer
from tipline.desk.given import read_given
from tipline.desk.statuses import Stage, compose_status
from tipline.desk.vault import Vault
from tipline.errors import AnswerError, VaultError
from tipline.gateway.alphabet import measure_text
from tipline.language import make_translations

DAY = datetime.date(2026, 11, 21)
TIP = "ab" * 16
SIGNER = Signer.generate("tipline-reader/ana")
ANSWERS = HybridIdentity.generate()
CAME_BY = CameBy(
    name="modem",
    medium=Medium.SMS,
    received_at="2026-11-20T10:00:00Z",
    continues=False,
    sender="+525512345678",
    conversation="cd" * 16,
    reply_until=DAY,
)


@pytest.fixture
def vault(line: Any, tmp_path: Path) -> Vault:
    """A vault that saw a keyset in which Ana answers."""
    ana, bea = line.draft.readers
    draft = dataclasses.replace(
        line.draft,
        readers=(dataclasses.replace(ana, signing=SIGNER.verifier()), bea),
        answers=ANSWERS.recipient(),
    )
    return remember(line, tmp_path, draft)


def remember(line: Any, tmp_path: Path, draft: Any) -> Vault:
    """A vault that saw this keyset."""
    vault: Vault = line.make_vault(tmp_path)
    note = sign_keyset(draft, signer=line.root, today=DAY)
    keyset = verify_keyset(note, root=line.root.verifier(), today=DAY)
    vault.pinned.remember_keyset(keyset, note, today=DAY)
    return Vault.open(vault.directory)


def write(vault: Vault, out: Path, **changes: Any) -> Any:
    """An answer of Ana's."""
    given: dict[str, Any] = {
        "came_by": CAME_BY,
        "channel": "works",
        "kind": ItemKind.ANSWER,
        "text": "Thank you.",
        "signer": SIGNER,
        "today": DAY,
    }
    return write_answer(vault, TIP, out=out, **(given | changes))


def refuse(vault: Vault, tmp_path: Path, **changes: Any) -> AnswerError:
    """The error; nothing was written."""
    out = tmp_path / "refused"
    with pytest.raises(AnswerError) as caught:
        write(vault, out, **changes)
    assert not out.exists()
    assert read_given(vault, TIP) == []
    return caught.value


def test_answer_when_written_then_the_service_reads_it_and_nobody_else(
    vault: Vault, tmp_path: Path
) -> None:
    """The bundle verifies against the keyset, and opens with the service's key alone."""
    out = tmp_path / "answers"
    first = write(vault, out)
    second = write(vault, out, kind=ItemKind.STATUS, text="Received.")
    keyset = vault.pinned.read_keyset()
    assert keyset is not None
    outgoing = verify_outgoing(out.read_bytes(), keyset=keyset, today=DAY)
    opened = [open_item(one, identity=ANSWERS) for one in outgoing.items]

    assert [(one.kind, one.text) for one in opened] == [
        (ItemKind.ANSWER, "Thank you."),
        (ItemKind.STATUS, "Received."),
    ]
    assert {one.conversation.hex() for one in opened} == {CAME_BY.conversation}
    assert (first.count, second.count) == (1, 2)
    assert outgoing.number == second.number == first.number + 1
    assert out.stat().st_mode & 0o777 == 0o600
    assert [(one.id, one.reader, one.text) for one in read_given(vault, TIP)] == [
        (first.id, "ana", "Thank you."),
        (second.id, "ana", "Received."),
    ]


def test_answer_when_the_vault_was_lost_then_its_number_goes_on_a_day_later(
    line: Any, vault: Vault, tmp_path: Path
) -> None:
    """A new vault's numbers are above those of the lost one from the next day on."""
    last = [write(vault, tmp_path / "answers").number for _ in range(3)][-1]
    (vault.directory / "outgoing-numbers").unlink()
    again = write(
        vault,
        tmp_path / "new",
        today=DAY + datetime.timedelta(days=1),
        came_by=dataclasses.replace(CAME_BY, reply_until=DAY + datetime.timedelta(days=9)),
    )
    assert again.number > last


def test_answer_when_the_window_is_over_then_nothing_is_written(
    vault: Vault, tmp_path: Path
) -> None:
    """The day after the last one the desk refuses, before anything is sealed."""
    late = refuse(vault, tmp_path, today=DAY + datetime.timedelta(days=1))
    assert late.code == "answer_over"
    assert late.facts == {"reply_until": DAY.isoformat()}
    assert check_answerable(CAME_BY, today=DAY) == bytes.fromhex("cd" * 16)


def test_answer_when_the_app_takes_none_any_more_then_it_is_refused_to_the_second() -> None:
    """WhatsApp takes an answer for a day: what is written later would never arrive."""
    until = datetime.datetime(2026, 11, 21, 10, 0, 0, tzinfo=datetime.UTC)
    brief = dataclasses.replace(CAME_BY, answer_until="2026-11-21T10:00:00Z")
    check_in_time(brief, now=until)
    with pytest.raises(AnswerError) as late:
        check_in_time(brief, now=until + datetime.timedelta(seconds=1))
    assert late.value.code == "answer_late"
    assert late.value.facts == {"until": "2026-11-21T10:00:00Z"}
    for unbounded in (None, CAME_BY):
        check_in_time(unbounded, now=until + datetime.timedelta(days=300))


@pytest.mark.parametrize(
    "came_by", [None, dataclasses.replace(CAME_BY, conversation=None, reply_until=None)]
)
def test_answer_when_nobody_left_a_number_then_there_is_nobody_to_answer(
    vault: Vault, tmp_path: Path, came_by: CameBy | None
) -> None:
    """A tip from the page, or of somebody who came in person, has no phone behind it."""
    assert refuse(vault, tmp_path, came_by=came_by).code == "answer_nowhere"


def test_answer_when_the_key_is_not_of_a_reader_of_the_channel_then_it_is_refused(
    line: Any, vault: Vault, tmp_path: Path
) -> None:
    """What the service would refuse is refused before it is carried."""
    for signer in (
        Signer.generate("tipline-reader/ana"),
        Signer.generate("tipline-reader/bea"),
        Signer.generate("tipline-reader/leo"),
    ):
        assert refuse(vault, tmp_path, signer=signer).code == "answer_not_reader"
    assert refuse(vault, tmp_path, channel="other").code == "answer_not_reader"


def test_answer_when_the_reader_stopped_reading_then_it_is_refused(
    line: Any, tmp_path: Path
) -> None:
    """Who reads a channel no longer answers in it no longer."""
    ana, bea = line.draft.readers
    (channel,) = line.draft.channels
    ended, other = channel.readers
    draft = dataclasses.replace(
        line.draft,
        answers=ANSWERS.recipient(),
        readers=(dataclasses.replace(ana, signing=SIGNER.verifier()), bea),
        channels=(
            dataclasses.replace(
                channel,
                readers=(
                    dataclasses.replace(ended, until_on=DAY - datetime.timedelta(days=1)),
                    dataclasses.replace(other, optional=False),
                ),
            ),
        ),
    )
    vault = remember(line, tmp_path, draft)
    assert refuse(vault, tmp_path).code == "answer_not_reader"


def test_answer_when_the_line_gives_none_then_it_is_refused(line: Any, tmp_path: Path) -> None:
    """Without a key of the service's in the keyset there is nobody to seal to."""
    vault = line.make_vault(tmp_path)
    assert refuse(vault, tmp_path).code == "answer_no_key"
    other = tmp_path / "other"
    other.mkdir()
    assert refuse(remember(line, other, line.draft), tmp_path).code == "answer_no_key"


@pytest.mark.parametrize("text", ["", " \n", "a\x07", "a" * 1001])
def test_answer_when_its_text_is_off_then_it_is_refused(
    vault: Vault, tmp_path: Path, text: str
) -> None:
    """Nothing empty, unprintable or endless."""
    came_by = dataclasses.replace(CAME_BY, medium=Medium.WHATSAPP)
    assert refuse(vault, tmp_path, text=text, came_by=came_by).code == "answer_text"


def test_answer_when_it_takes_too_many_messages_then_it_is_refused(
    vault: Vault, tmp_path: Path
) -> None:
    """Each message is paid for; an app counts none."""
    text = "á" * 500
    error = refuse(vault, tmp_path, text=text)
    assert (error.code, error.facts) == ("answer_long", {"parts": 8, "limit": MAX_MESSAGES})
    came_by = dataclasses.replace(CAME_BY, medium=Medium.TELEGRAM)
    written = write(vault, tmp_path / "answers", text=text, came_by=came_by)
    assert written.message_count == 1


def test_answer_when_the_file_is_another_then_it_is_left_alone(
    vault: Vault, tmp_path: Path
) -> None:
    """A file that this key did not sign is neither read nor written over."""
    out = tmp_path / "answers"
    stranger = Signer.generate("tipline-reader/ana")
    item = SealedItem(id=bytes(16), sealed=b"a")
    for content in (
        b"letter",
        sign_outgoing([item], reader="ana", number=1, today=DAY, signer=stranger),
    ):
        out.write_bytes(content)
        with pytest.raises(AnswerError) as caught:
            write(vault, out)
        assert caught.value.code == "answer_other_file"
        assert out.read_bytes() == content


def test_answer_when_the_bundle_is_full_then_another_file_is_asked_for(
    vault: Vault, tmp_path: Path
) -> None:
    """A bundle holds so many and no more."""
    out = tmp_path / "answers"
    items = [SealedItem(id=n.to_bytes(16, "big"), sealed=b"a") for n in range(MAX_ITEMS)]
    out.write_bytes(sign_outgoing(items, reader="ana", number=1, today=DAY, signer=SIGNER))
    with pytest.raises(AnswerError) as caught:
        write(vault, out)
    assert caught.value.code == "answer_full"
    assert len(read_own_outgoing(out.read_bytes(), signer=SIGNER)) == MAX_ITEMS


def test_given_when_its_file_was_changed_then_the_vault_is_damaged(
    vault: Vault, tmp_path: Path
) -> None:
    """What was answered is not guessed."""
    write(vault, tmp_path / "answers")
    path = vault.directory / "records" / f"{TIP}.answers.json"
    for content in (b"", b"{}", b'{"version":2,"answers":[]}', b'{"version":1,"answers":[{}]}'):
        path.write_bytes(content)
        with pytest.raises(VaultError):
            read_given(vault, TIP)
    path.unlink()
    (vault.directory / "outgoing-numbers").write_bytes(b'{"key":"x"}')
    with pytest.raises(VaultError):
        write(vault, tmp_path / "answers")


@pytest.mark.parametrize("language", ["en", "es", "pt"])
@pytest.mark.parametrize("stage", Stage)
def test_status_when_composed_then_it_is_one_message_of_the_plain_alphabet(
    stage: Stage, language: str
) -> None:
    """Every stage, with a unit and a day where it can have one, goes in one part of 160."""
    text = compose_status(
        stage,
        unit="Dirección de Obras Públicas y Ordenación",
        answer_by=None if stage is Stage.CLOSED else DAY,
        translate=make_translations(language).gettext,
    )
    extent = measure_text(text)
    assert (extent.alphabet, extent.part_len) == ("gsm7", 1)
    assert "Direccion" in text
    assert stage is Stage.CLOSED or "2026-11-21" in text


@pytest.mark.parametrize(
    "unit", ["", " ", "a\nb", "a\r", "a\tb", "a\u2028b", "a\u202eb", "\x1b[2J"]
)
def test_status_when_the_unit_is_no_line_of_text_then_it_is_refused(unit: str) -> None:
    """What the source reads is one line that the desk saw as it is."""
    with pytest.raises(AnswerError) as caught:
        compose_status(Stage.REVIEW, unit=unit, answer_by=None, translate=str)
    assert caught.value.code == "answer_status_unit"


def test_status_when_it_cannot_be_then_it_is_refused() -> None:
    """What is closed has no day to come, and a unit's name has its length."""
    with pytest.raises(AnswerError) as closed:
        compose_status(Stage.CLOSED, unit=None, answer_by=DAY, translate=str)
    assert closed.value.code == "answer_status"
    with pytest.raises(AnswerError) as long:
        compose_status(Stage.REVIEW, unit="u" * 160, answer_by=None, translate=str)
    assert long.value.code == "answer_status_long"
    with pytest.raises(AnswerError):
        compose_status(Stage.REVIEW, unit="отдел" * 12, answer_by=None, translate=str)
