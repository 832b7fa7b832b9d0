"""The daily mail, handed to a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import socket
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from tests.service.mailbox import PASSWORD, USER, Mailbox, make_certificate, serve_mailbox
from tipline.configuration import MailSettings, MailTls
from tipline.errors import InstanceError, NetworkError, PermissionsError, TiplineError
from tipline.language import LANGUAGES, make_translations
from tipline.mail import compose_mail, send_mail
from tipline.service.daily_mail import find_next, run_mail

NOON = datetime.datetime(2031, 3, 14, 12, 0, tzinfo=datetime.UTC)
ONE_DAY = datetime.timedelta(days=1)
SETTINGS = MailSettings(
    enabled=True,
    hour=8,
    language="en",
    server="127.0.0.1",
    port=25,
    tls=MailTls.NONE,
    authority="",
    user="",
    password_file="",
    sender="line@example.org",
    to=("one@example.org", "two@example.org"),
)


def settings_for(mailbox: Mailbox, **changes: Any) -> MailSettings:
    """Point the settings at a running server."""
    return dataclasses.replace(SETTINGS, port=mailbox.port, **changes)


def compose(on: datetime.date, settings: MailSettings = SETTINGS) -> bytes:
    return compose_mail(settings, on=on, translate=make_translations(settings.language).gettext)


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_when_written_on_any_day_then_its_length_is_the_same(language: str) -> None:
    """Two years of days, in each language: one length, and but for day and number one text."""
    settings = dataclasses.replace(SETTINGS, language=language)
    mails = [compose(NOON.date() + number * ONE_DAY, settings) for number in range(731)]
    assert len({len(mail) for mail in mails}) == 1
    texts = set()
    for mail in mails:
        parsed = message_from_bytes(mail)
        texts.add((str(parsed["Subject"]), str(parsed.get_payload()), tuple(parsed.keys())))
    assert len(texts) == 1
    assert len({str(message_from_bytes(mail)["Message-ID"]) for mail in mails}) == len(mails)


def test_mail_when_written_then_neither_line_nor_machine_is_named() -> None:
    """The mail says the hour that is configured, and no word of tips, lines or this machine."""
    mail = compose(NOON.date())
    assert b"Date: Fri, 14 Mar 2031 08:00:00 +0000" in mail
    for word in (b"tip-line", b"tipline", b"source", socket.gethostname().encode()):
        assert word not in mail.lower().replace(b"daily reminder", b"")


def test_mail_when_sent_then_the_server_gets_it_and_no_name_of_this_machine(
    tmp_path: Path,
) -> None:
    """Every recipient is named; the greeting is a word of ours."""
    with serve_mailbox() as mailbox:
        message = compose(NOON.date())
        send_mail(settings_for(mailbox), message, tmp_path)
    assert mailbox.contents == [message]
    assert mailbox.mails[0].rcpt_tos == list(SETTINGS.to)
    assert mailbox.mails[0].mail_from == SETTINGS.sender
    assert mailbox.names == ["localhost"]


# aiosmtpd does not count TLS from the first byte as TLS.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("tls", [MailTls.TLS, MailTls.STARTTLS])
def test_mail_when_there_is_tls_and_a_login_then_both_are_used(
    tls: MailTls, tmp_path: Path
) -> None:
    """The password goes over TLS alone, and from a file that only its owner can read."""
    certificate = make_certificate(tmp_path)
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    with serve_mailbox(tls=tls, certificate=certificate, login=True) as mailbox:
        settings = settings_for(
            mailbox, tls=tls, authority="mail.pem", user=USER, password_file="password"
        )
        send_mail(settings, compose(NOON.date()), tmp_path)
        assert len(mailbox.mails) == 1

        password.write_text("wrong")
        with pytest.raises(NetworkError) as refused:
            send_mail(settings, compose(NOON.date()), tmp_path)
        assert refused.value.code == "mail_login"

        # A certificate that nobody vouches for ends it before a word is said.
        strangers = dataclasses.replace(settings, authority="")
        with pytest.raises(NetworkError) as unknown:
            send_mail(strangers, compose(NOON.date()), tmp_path)
        assert unknown.value.code == "mail_tls"
    assert len(mailbox.mails) == 1


def test_mail_when_the_server_has_no_tls_then_nothing_goes_in_clear(tmp_path: Path) -> None:
    """STARTTLS that is not offered is an error, not a mail in clear."""
    with serve_mailbox() as mailbox:
        with pytest.raises(NetworkError) as refused:
            send_mail(settings_for(mailbox, tls=MailTls.STARTTLS), compose(NOON.date()), tmp_path)
        assert refused.value.code == "mail_tls"
    assert mailbox.mails == []


def test_mail_when_the_server_refuses_or_is_away_then_it_is_named(tmp_path: Path) -> None:
    """A refusal and a silence are two different errors."""
    with serve_mailbox() as mailbox:
        mailbox.refuses = True
        with pytest.raises(NetworkError) as refused:
            send_mail(settings_for(mailbox), compose(NOON.date()), tmp_path)
        assert refused.value.code == "mail_refused"
    with pytest.raises(NetworkError) as away:
        send_mail(settings_for(mailbox), compose(NOON.date()), tmp_path)
    assert away.value.code == "mail_unreachable"


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff", b"x" * 1025])
def test_mail_when_the_password_file_is_none_then_it_is_named(
    content: bytes, tmp_path: Path
) -> None:
    """A file that holds no password is an error before the server is asked."""
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(0o600)
    settings = dataclasses.replace(SETTINGS, user=USER, password_file="password")
    with pytest.raises(InstanceError) as unreadable:
        send_mail(settings, b"", tmp_path)
    assert unreadable.value.code == "mail_file"


def test_mail_when_others_could_read_the_password_then_it_is_refused(tmp_path: Path) -> None:
    """A password that is open to others is not used; a missing file is named."""
    settings = dataclasses.replace(SETTINGS, user=USER, password_file="password")
    with pytest.raises(InstanceError) as missing:
        send_mail(settings, b"", tmp_path)
    assert missing.value.code == "mail_file"
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o640)
    with pytest.raises(PermissionsError):
        send_mail(settings, b"", tmp_path)
    with pytest.raises(InstanceError):
        send_mail(dataclasses.replace(SETTINGS, authority="none.pem"), b"", tmp_path)


class Ticker:
    """Moves the clock when somebody sleeps, until the end."""

    def __init__(self, now: datetime.datetime, *, end: datetime.datetime) -> None:
        self.now = now
        self.end = end
        self.jumps: dict[datetime.datetime, datetime.timedelta] = {}

    def clock(self) -> datetime.datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)
        self.now += self.jumps.pop(self.now, datetime.timedelta())
        if self.now >= self.end:
            raise asyncio.CancelledError


async def run_days(ticker: Ticker, settings: MailSettings, directory: Path) -> list[TiplineError]:
    """Run the mail until the ticker's end."""
    failed: list[TiplineError] = []
    with pytest.raises(asyncio.CancelledError):
        await run_mail(
            settings,
            directory=directory,
            clock=ticker.clock,
            report=failed.append,
            sleep=ticker.sleep,
        )
    return failed


async def test_mail_when_days_pass_then_there_is_one_each_at_its_hour(tmp_path: Path) -> None:
    """Ten days, ten mails of one length: the first at the next time its hour comes."""
    with serve_mailbox() as mailbox:
        ticker = Ticker(NOON, end=NOON + 10 * ONE_DAY)
        assert await run_days(ticker, settings_for(mailbox), tmp_path) == []
    dates = [str(message_from_bytes(mail)["Date"]) for mail in mailbox.contents]
    assert len(dates) == len(set(dates)) == 10
    assert dates[0] == "Sat, 15 Mar 2031 08:00:00 +0000"
    assert len({len(mail) for mail in mailbox.contents}) == 1


async def test_mail_when_it_fails_then_it_is_told_once_and_not_tried_again(tmp_path: Path) -> None:
    """Three days without a server: three failures, each told, none repeated."""
    with serve_mailbox() as mailbox:
        pass
    failed = await run_days(Ticker(NOON, end=NOON + 3 * ONE_DAY), settings_for(mailbox), tmp_path)
    assert [error.code for error in failed] == ["mail_unreachable"] * 3


async def test_mail_when_the_machine_slept_through_its_hour_then_there_is_none_that_day(
    tmp_path: Path,
) -> None:
    """A mail at another hour would tell that something was different."""
    with serve_mailbox() as mailbox:
        ticker = Ticker(NOON, end=NOON + 2 * ONE_DAY)
        ticker.jumps[NOON.replace(hour=13)] = datetime.timedelta(hours=20)
        assert await run_days(ticker, settings_for(mailbox), tmp_path) == []
    dates = [str(message_from_bytes(mail)["Date"]) for mail in mailbox.contents]
    assert dates == ["Sun, 16 Mar 2031 08:00:00 +0000"]


def test_next_when_the_hour_begins_now_then_it_is_tomorrow() -> None:
    """A line that starts in its hour, or right at it, waits for the next day."""
    eight = NOON.replace(hour=8)
    assert find_next(eight, hour=8) == eight + ONE_DAY
    assert find_next(eight - datetime.timedelta(seconds=1), hour=8) == eight
    assert find_next(NOON, hour=8) == eight + ONE_DAY
