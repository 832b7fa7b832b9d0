"""`tipline mail`: shows the daily mail, and tries to send it."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto.note import Signer
from tests.service.mailbox import serve_mailbox
from tipline.instance import init_instance
from tipline.language import LANGUAGES

DAY = datetime.date(2031, 3, 14)


@pytest.fixture
def make_line(tmp_path: Path) -> Callable[..., Path]:
    """Make a line with settings for its mail."""

    def make(**mail: object) -> Path:
        texts = {f"line.{part}.{one}": "x" for part in ("name", "emergency") for one in LANGUAGES}
        init_instance(
            tmp_path / "line",
            settings={
                "root": Signer.generate("tipline-root").verifier().format(),
                **texts,
                **{f"mail.{key.rstrip('_')}": value for key, value in mail.items()},
            },
            periods=None,
            translate=lambda text: text,
            today=DAY,
        )
        return tmp_path / "line"

    return make


def run(*arguments: object) -> tuple[int, str, str]:
    """Run the command in English."""
    done = subprocess.run(
        [sys.executable, "-m", "tipline", "mail", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "LANGUAGE": "en"},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_mail_when_shown_then_it_is_the_mail_and_nothing_is_sent(
    make_line: Callable[..., Path],
) -> None:
    """The operator sees what the staff get, and that it is switched off."""
    with serve_mailbox() as mailbox:
        line = make_line(
            server="127.0.0.1", port=mailbox.port, tls="none", from_="a@b.org", to=["c@d.org"]
        )
        code, out, talk = run(line)
    assert code == 0
    assert out.startswith("From: a@b.org\nTo: c@d.org\nSubject: Daily reminder\n")
    assert "Please look at the desk today." in out
    assert talk == "The daily mail is switched off: mail.enabled is false.\n"
    assert mailbox.contents == []


def test_mail_when_tested_then_it_is_sent(make_line: Callable[..., Path]) -> None:
    """One mail arrives, the same as the one of every day; what is shown is what is sent."""
    with serve_mailbox() as mailbox:
        line = make_line(
            enabled=True,
            server="127.0.0.1",
            port=mailbox.port,
            tls="none",
            from_="a@b.org",
            to=["c@d.org"],
        )
        code, out, talk = run(line, "--test")
        _, shown, _ = run(line)
    assert (code, out) == (0, "")
    assert talk == "The server took the mail: 127.0.0.1. Look whether it arrives.\n"
    (sent,) = mailbox.contents
    number = re.compile(r"Message-ID: <[0-9a-f]{32}@b\.org>\n")
    assert number.sub("", sent.decode().replace("\r\n", "\n")).rstrip() == (
        number.sub("", shown).rstrip()
    )


def test_mail_when_it_cannot_be_sent_then_the_reason_is_told(
    make_line: Callable[..., Path],
) -> None:
    """Nobody at the other end is an error with a hint."""
    with serve_mailbox() as mailbox:
        pass
    line = make_line(
        server="127.0.0.1", port=mailbox.port, tls="none", from_="a@b.org", to=["c@d.org"]
    )
    code, _, talk = run(line, "--test")
    assert code == 43
    assert talk.startswith("tipline: error: the mail server 127.0.0.1 cannot be reached\n")
    assert "tipline: hint: " in talk


def test_mail_when_nothing_is_set_then_it_is_said(make_line: Callable[..., Path]) -> None:
    """A line without mail settings has no mail to show."""
    code, out, talk = run(make_line())
    assert (code, out) == (41, "")
    error, hint = talk.splitlines()
    assert "mail.server, mail.from or mail.to is empty" in error
    assert hint.startswith("tipline: hint: fill in [mail]")
