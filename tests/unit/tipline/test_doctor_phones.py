"""What doctor says of a line's phones."""

from __future__ import annotations

import dataclasses
import datetime
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.keyset import sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, Keyset, KeysetDraft, Reader
from crypto.note import Signer
from tests.service.phones import install_gateways, install_webhook, make_gateway
from tipline.answer_key import make_answer_key
from tipline.doctor_phones import PHONE_TEXTS, examine_phones
from tipline.instance import take_lock
from tipline.messages import ERRORS

TODAY = datetime.date(2031, 3, 14)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A place for keys and settings."""
    for name in ("keys", "run"):
        (tmp_path / name).mkdir()
    return tmp_path


def make_keyset(**changes: Any) -> Keyset:
    """A keyset in which somebody reads the channel `city`."""
    root = Signer.generate("tipline-root")
    names = dict.fromkeys(("en", "es", "pt"), "Name")
    recipient = HybridIdentity.generate().recipient()
    reader = Reader(id="ana", name="Ana", unit="U", since_on=TODAY, recipient=recipient)
    entry = ChannelReader(reader="ana", from_on=TODAY, until_on=None, optional=False)
    draft = KeysetDraft(
        valid_from=TODAY,
        valid_until=TODAY,
        service=Signer.generate("tipline-service").verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        readers=(reader,),
        channels=(Channel(id="city", names=names, categories=(), readers=(entry,)),),
    )
    note = sign_keyset(dataclasses.replace(draft, **changes), signer=root, today=TODAY)
    return verify_keyset(note, root=root.verifier(), today=TODAY)


def find(directory: Path, keyset: Keyset | None, *, is_clock_kept: bool | None = True) -> list[str]:
    """The codes, each of which has its words."""
    looked = examine_phones(
        directory, keyset=keyset, today=TODAY, is_clock_kept=lambda: is_clock_kept
    )
    found = [one.code for one in looked]
    assert all(code in PHONE_TEXTS or code in ERRORS for code in found)
    return found


def test_doctor_when_the_line_has_no_phones_then_nothing_is_said(directory: Path) -> None:
    """A line without `gateways.toml` is not told of what it lacks."""
    assert find(directory, make_keyset()) == []
    assert find(directory, None) == []


def test_doctor_when_phones_are_in_order_then_nothing_is_said(directory: Path) -> None:
    """Secrets, channel and key for answers fit."""
    install_webhook(directory)
    answers = make_answer_key(directory, today=TODAY)
    assert find(directory, make_keyset(answers=answers)) == []
    assert find(directory, None) == []


def test_doctor_when_answers_are_not_in_order_then_it_is_said(directory: Path) -> None:
    """No key in the keyset, another line's key, or a damaged one: each has its words."""
    install_webhook(directory)
    assert find(directory, make_keyset()) == ["answers_none"]
    *_, finding = examine_phones(directory, keyset=make_keyset(), today=TODAY)
    assert PHONE_TEXTS[finding.code][1].format(**finding.facts).endswith(f" {directory}")
    other = make_keyset(answers=HybridIdentity.generate().recipient())
    assert find(directory, other) == ["answers_other"]
    make_answer_key(directory, today=TODAY)
    assert find(directory, other) == ["answers_other"]
    (directory / "keys" / "answers.key").write_text("damaged")
    assert find(directory, other) == ["instance_key"]


def test_doctor_when_a_gateway_is_not_in_order_then_it_is_said(directory: Path) -> None:
    """A channel that nobody reads, a missing secret, a file that does not hold."""
    answers = make_answer_key(directory, today=TODAY)
    install_gateways(directory, modem=make_gateway("webhook", send_url="", channel="coast"))
    assert find(directory, make_keyset(answers=answers)) == ["gateway_secrets", "gateway_unread"]
    (directory / "gateways.toml").write_text("version = 1")
    assert find(directory, make_keyset(answers=answers)) == ["gateways_missing_key"]


def test_doctor_when_nothing_keeps_the_clock_then_it_is_said_where_messages_have_a_time(
    directory: Path,
) -> None:
    """A clock that wanders refuses signed messages; a modem's have no time to be too old by."""
    install_webhook(directory)
    assert find(directory, None, is_clock_kept=False) == ["clock_alone"]
    for is_kept in (True, None):
        assert find(directory, None, is_clock_kept=is_kept) == []
    install_gateways(directory, voice=make_gateway("operator"))
    assert find(directory, None, is_clock_kept=False) == []


def test_doctor_when_the_line_could_not_begin_then_it_is_said_before(directory: Path) -> None:
    """A spool on a disk or not there, a socket's folder that is missing, a port that is taken."""
    voice = make_gateway("operator")
    modem = make_gateway("gammu", spool=str(directory / "spool"))
    install_gateways(directory, modem=modem)
    assert find(directory, None) == ["gateway_spool_missing"]
    for name in ("spool", "spool/inbox", "spool/outbox", "spool/error"):
        (directory / name).mkdir()
    assert find(directory, None) == ["gateway_spool"]
    install_gateways(directory, listen={"unix": "run/desk.sock"}, voice=voice)
    assert find(directory, None) == ["gateways_own_socket"]
    install_gateways(directory, listen={"unix": "none/gateway"}, voice=voice)
    assert find(directory, None) == ["gateways_folder"]
    with socket.create_server(("127.0.0.1", 0)) as other:
        install_gateways(directory, listen={"port": other.getsockname()[1]}, voice=voice)
        assert find(directory, None) == ["gateways_port"]


def test_doctor_when_the_line_is_being_served_then_its_own_port_is_no_fault(
    directory: Path,
) -> None:
    """Doctor may run beside the line; what a crash left of it does not count as running."""
    with socket.socket(socket.AF_UNIX) as operator, socket.create_server(("127.0.0.1", 0)) as port:
        voice = make_gateway("operator")
        operator.bind(str(directory / "run" / "operator.sock"))
        install_gateways(directory, listen={"port": port.getsockname()[1]}, voice=voice)
        lock = take_lock(directory)
        assert find(directory, None) == []
        os.close(lock)
        assert find(directory, None) == ["gateways_port"]
