"""
The account of what is kept, seen from outside: polled over a real line, with a clock of ours.

It changes with the log's batch and with nothing else (INV-13), and has one length.
"""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from retention.log.entry import CloseStep
from retention.promise import Promises
from tests.service.mailbox import serve_mailbox
from tests.service.phones import install_webhook
from tests.service.test_log_rhythm import LOG_HOUR, LOOPS, Ticker
from tipline.closing import (
    CLOSING_NAME,
    NOTICE_BYTES,
    Closing,
    format_closing,
    load_closing,
    save_closing,
)
from tipline.configuration import CONFIGURATION_NAME
from tipline.doctor import examine
from tipline.errors import InstanceError
from tipline.language import LANGUAGES
from tipline.service.account_page import ACCOUNT_STEP_BYTES

ONE_DAY = datetime.timedelta(days=1)
PATH = "/en/accountability"
# What may differ between two lines: their keys and names of keys, and the days.
KEYS = re.compile(rb"tipline-[a-z/0-9]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+")
LESS_THAN_A_WEEK = b"No tip has waited for a full week."


async def fetch(session: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for a page."""
    async with session.get(path, headers={"Accept-Encoding": "gzip, br"}) as response:
        return response.status, dict(response.headers), await response.read()


async def poll(
    world: Any, *, hours: int, is_busy: bool
) -> list[tuple[datetime.datetime, dict[str, str], bytes]]:
    """Serve a line for some hours and poll it every minute; note what came when it changed."""
    ticker = Ticker(world.clock)
    seen: list[tuple[datetime.datetime, dict[str, str], bytes]] = []
    async with world.serve(sleep=ticker.sleep) as site:
        await ticker.settle()
        for minute in range(hours * 60):
            if is_busy and minute % 97 == 13:
                assert (await site.upload(world.seal()))[0] == 200
            status, headers, body = await fetch(site.source, PATH)
            assert status == 200
            if not seen or (headers, body) != seen[-1][1:]:
                seen.append((world.clock.now, headers, body))
            await ticker.advance()
    return seen


async def test_account_when_a_day_is_busy_then_it_is_the_bytes_of_an_empty_one(
    make_world: Callable[..., Any],
) -> None:
    """Polled every minute over two batches: the same bytes at the same minutes, busy or not."""
    runs = []
    for is_busy in (False, True):
        world = make_world()
        runs.append(await poll(world, hours=40, is_busy=is_busy))
        shutil.rmtree(world.directory)
    for run in runs:
        # Once at the start, then at the hour of the batch and at no other time.
        assert [moment.hour for moment, _, _ in run[1:]] == [LOG_HOUR, LOG_HOUR]
        assert [moment.minute for moment, _, _ in run[1:]] == [0, 0]
    for (_, headers, body), (_, other_headers, other_body) in zip(*runs, strict=True):
        assert headers == other_headers
        assert len(body) == len(other_body) == ACCOUNT_STEP_BYTES
        assert KEYS.sub(b"", body).replace(b" ", b"") == KEYS.sub(b"", other_body).replace(
            b" ", b""
        )
        assert LESS_THAN_A_WEEK in body


async def test_account_when_the_line_starts_again_then_it_is_the_same_bytes(world: Any) -> None:
    """A start between two batches shows what was shown before, whatever came in between."""
    async with world.serve() as site:
        before = [await fetch(site.source, f"/{language}/accountability") for language in LANGUAGES]
        await site.upload(world.seal())
    world.install(world.sign(first=world.clock.today))
    world.clock.now += datetime.timedelta(hours=3)
    async with world.serve() as site:
        after = [await fetch(site.source, f"/{language}/accountability") for language in LANGUAGES]
    assert after == before
    assert len({body for _, _, body in before}) == len(LANGUAGES)


async def test_account_when_the_configuration_changes_then_the_next_batch_tells_it(
    world: Any,
) -> None:
    """The mail and the hour stand there as they were, until a batch is made."""
    carrier = b"Whoever carries the mail to the staff"
    async with world.serve() as site:
        before = await fetch(site.source, PATH)
    path = world.directory / CONFIGURATION_NAME
    lines = path.read_text()
    for key, value in (
        ("enabled", "true"),
        ("server", '"mail.example.org"'),
        ("from", '"line@example.org"'),
        ("to", '["staff@example.org"]'),
        ("log_hour", "9"),
    ):
        lines = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", lines, count=1)
    path.write_text(lines)
    async with world.serve() as site:
        assert site.instance.configuration.mail.enabled
        assert await fetch(site.source, PATH) == before
        assert carrier not in before[2]
        assert b"at 05:00 UTC" in before[2]
    world.clock.now += ONE_DAY
    async with world.serve() as site:
        _, _, body = await fetch(site.source, PATH)
        assert carrier in body
        assert b"at 09:00 UTC" in body


async def test_account_when_the_line_begins_to_take_phones_then_it_is_told_at_once(
    world: Any,
) -> None:
    """What takes messages is told from its start on, and what takes none any more is not."""
    nobody = b"There is no way by telephone."
    async with world.serve() as site:
        assert nobody in (await fetch(site.source, PATH))[2]
    install_webhook(world.directory)
    async with world.serve() as site:
        _, _, body = await fetch(site.source, PATH)
        assert nobody not in body
        assert b"It had those of telephones in clear" in body
    (world.directory / "gateways.toml").unlink()
    async with world.serve() as site:
        assert nobody in (await fetch(site.source, PATH))[2]


async def test_account_when_a_tip_waits_then_it_says_for_how_many_weeks(world: Any) -> None:
    """Less than a week is told as if nothing waited; a tip that was fetched waits no more."""
    async with world.serve() as site:
        await site.upload(world.seal())
    for days, words in ((6, LESS_THAN_A_WEEK), (1, b"1 full week."), (13, b"2 full weeks.")):
        world.clock.now += days * ONE_DAY
        async with world.serve() as site:
            assert words in (await fetch(site.source, PATH))[2]
            found = [
                finding.facts["weeks"]
                for finding in examine(
                    world.directory, clock=world.clock, boot_clock=world.clock.boot
                )
                if finding.code == "tips_waiting"
            ]
            assert found == ([] if days == 6 else [int(words.split()[0])])
            ids = [tip.id for tip in await site.line.store.tips()]
            if words == b"2 full weeks.":
                promises = Promises.of(site.instance.policy)
                await site.line.store.pick_up(ids, promises=promises, today=world.clock.today)
    world.clock.now += ONE_DAY
    async with world.serve() as site:
        assert len(await site.line.store.tips()) == 1
        assert LESS_THAN_A_WEEK in (await fetch(site.source, PATH))[2]


async def test_account_when_asked_for_then_it_runs_no_script_and_is_not_kept(world: Any) -> None:
    """Its policy lets no script in; it is not compressed, not cached, and can only be read."""
    async with world.serve() as site:
        status, headers, body = await fetch(site.source, PATH)
        async with site.source.post(PATH) as response:
            assert response.status == 405
        async with site.source.head(PATH) as response:
            assert response.headers["Content-Length"] == str(len(body))
    assert status == 200
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in headers
    assert b"<script" not in body
    assert len(body) % ACCOUNT_STEP_BYTES == 0


async def test_account_when_there_is_no_keyset_then_it_says_that_nobody_reads(
    make_world: Callable[..., Any],
) -> None:
    """A line without readers says so."""
    async with make_world(keyset=False).serve() as site:
        assert b"there was no list of readers" in (await fetch(site.source, PATH))[2]


@pytest.mark.parametrize("step", [None, *CloseStep])
async def test_notice_when_asked_for_then_it_has_one_length(
    step: CloseStep | None, world: Any
) -> None:
    """It says how far the end has come, found without a restart, in as many bytes as nothing."""
    async with world.serve() as site:
        _, headers, nothing = await fetch(site.source, "/notice")
        if step is not None:
            closing = Closing(step=step, on=world.clock.today + ONE_DAY)
            save_closing(world.directory, closing, day=world.clock.today)
        status, other_headers, body = await fetch(site.source, "/notice")
    assert (status, other_headers, len(body)) == (200, headers, NOTICE_BYTES)
    assert (body == nothing) is (step is None)
    assert (step or "null").encode() in body


async def test_notice_when_the_day_of_the_end_has_come_then_it_says_what_an_upload_is_told(
    world: Any,
) -> None:
    """As soon as no tip is taken there is no form, before the log's batch tells it."""
    async with world.serve() as site:
        closing = Closing(step=CloseStep.ANNOUNCED, on=world.clock.today + 9 * ONE_DAY)
        save_closing(world.directory, closing, day=world.clock.today)
        world.clock.now += ONE_DAY
        assert (await site.upload(world.seal()))[0] == 200
        assert b'"announced"' in (await fetch(site.source, "/notice"))[2]
        world.clock.now += 8 * ONE_DAY
        assert (await site.upload(world.seal()))[0] != 200
        assert b'"intake_stopped"' in (await fetch(site.source, "/notice"))[2]
        assert load_closing(world.directory) == closing


async def test_notice_when_a_jump_past_the_end_waits_then_it_says_what_an_upload_is_told(
    world: Any,
) -> None:
    """A clock that is wrongly ahead shows nobody a form whose tip is refused."""
    async with world.serve():
        closing = Closing(step=CloseStep.ANNOUNCED, on=world.clock.today + 9 * ONE_DAY)
        save_closing(world.directory, closing, day=world.clock.today)
    world.clock.now += 9 * ONE_DAY
    world.clock.boot = lambda: ("another-boot", ONE_DAY)
    async with world.serve() as site:
        assert (await site.upload(world.seal()))[0] != 200
        assert b'"intake_stopped"' in (await fetch(site.source, "/notice"))[2]
        assert load_closing(world.directory) == closing


async def test_notice_when_its_file_is_damaged_then_it_is_a_fault_and_no_start(world: Any) -> None:
    """A damaged announcement is a fault of the line, and no notice; a start names it."""
    good = format_closing(Closing(step=CloseStep.CLOSED, on=world.clock.today))
    async with world.serve() as site:
        (world.directory / CLOSING_NAME).write_bytes(good[:-3])
        assert (await fetch(site.source, "/notice"))[0] == 500
    with pytest.raises(InstanceError) as caught:
        async with world.serve():
            pass
    assert caught.value.code == "closing_damaged"


async def test_mail_when_a_line_serves_an_empty_and_a_full_day_then_it_is_the_same(
    make_world: Callable[..., Any],
) -> None:
    """A real line, a real server: none and many tips, one mail a day of one length at its hour."""
    sizes = {}
    for is_busy in (False, True):
        with serve_mailbox() as mailbox:
            world = make_world(
                mail__enabled=True,
                mail__server="127.0.0.1",
                mail__port=mailbox.port,
                mail__tls="none",
                mail__from="line@example.org",
                mail__to=["desk@example.org"],
            )
            assert "enabled = true" in (world.directory / CONFIGURATION_NAME).read_text()
            ticker = Ticker(world.clock, loops=LOOPS + 1)
            async with world.serve(sleep=ticker.sleep) as site:
                await ticker.settle()
                if is_busy:
                    for _ in range(10):
                        await site.upload(world.seal())
                for _ in range(36 * 60):
                    await ticker.advance()
            sizes[is_busy] = [len(content) for content in mailbox.contents]
            shutil.rmtree(world.directory)
    assert len(sizes[False]) == 1
    assert sizes[False] == sizes[True]
