"""Transcripts of `tipline purge` and `tipline hold`, with the line served and without."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.keyset import sign_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from retention.policy import EVENTS
from retention.slot import SLOT_BYTES
from tipline.clock import system_boot_clock, system_clock
from tipline.instance import Instance, init_instance, load_log_signer
from tipline.keysets import install_keyset
from tipline.service.store import Arrival, StoredTip
from tipline.service.workings import open_parts

TODAY = datetime.datetime.now(datetime.UTC).date()
UNTIL = (TODAY + datetime.timedelta(days=30)).isoformat()
LATER = (TODAY + datetime.timedelta(days=60)).isoformat()
OLD, HELD, YOUNG = "aa" * 16, "bb" * 16, "cc" * 16
PERSONS = "Ana Duarte\nLuís Prado\ncourt order 17\n"
QUESTIONS = "Who asks for the hold: Who agrees: Why: "


def make_line(directory: Path) -> None:
    """Make a line with a keyset, without a tip."""
    root = Signer.generate("tipline-root")
    texts = {
        f"line.{part}.{language}": "Harbour"
        for part in ("name", "emergency")
        for language in ("en", "es", "pt")
    }
    service = init_instance(
        directory,
        settings={"root": root.verifier().format(), **texts},
        periods={name: dict.fromkeys(events, 60) for name, events in EVENTS.items()},
        translate=lambda text: text,
        today=TODAY,
    )
    reader = Reader(
        id="office",
        name="Office",
        unit="U",
        since_on=TODAY,
        recipient=HybridIdentity.generate().recipient(),
    )
    entry = ChannelReader(reader="office", from_on=TODAY, until_on=None, optional=False)
    names = {"en": "City", "es": "Ciudad", "pt": "Cidade"}
    draft = KeysetDraft(
        valid_from=TODAY,
        valid_until=TODAY + datetime.timedelta(days=30),
        service=service.verifier(),
        log=load_log_signer(directory).verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        readers=(reader,),
        channels=(Channel(id="city", names=names, categories=(), readers=(entry,)),),
    )
    note = sign_keyset(draft, signer=root, today=TODAY, previous=None)
    install_keyset(directory, note, root=root.verifier(), minimum=1, today=TODAY)


async def add_tips(directory: Path, days: dict[str, int]) -> None:
    """Store tips that die so many days from today."""
    with Instance.open(directory) as instance:
        async with open_parts(
            instance,
            clock=system_clock,
            boot_clock=system_boot_clock,
            on_clock=lambda event: None,
            on_fault=lambda fault: None,
        ) as parts:
            for tip_id, count in days.items():
                tip = StoredTip(
                    id=bytes.fromhex(tip_id),
                    arrived_on=TODAY - datetime.timedelta(days=60 - count),
                    dies_on=TODAY + datetime.timedelta(days=count),
                    size_bytes=65536,
                    channel="city",
                    sealed_by_service=False,
                    keyset=1,
                )
                forgotten_on = TODAY + datetime.timedelta(days=2)
                arrival = Arrival(upload_id=os.urandom(16), answer_dies_on=forgotten_on, tip=tip)
                await parts.store.add_whole(arrival, os.urandom(65536))


def run(*words: str | Path, stdin: str = "", language: str = "en") -> tuple[int, str, str]:
    """Run the command; give exit code, stdout, stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "tipline", *map(str, words)],
        input=stdin.encode(),
        capture_output=True,
        timeout=120,
        env={**os.environ, "LANGUAGE": language},
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@contextlib.contextmanager
def serve(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Serve a line by the shipped command, without tor."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tipline", "serve", str(directory), "--json", "--no-tor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LANGUAGE": "en"},
    )
    try:
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path, for the sockets."""
    path = Path(tempfile.mkdtemp(prefix="ops-"))
    make_line(path / "line")
    yield path / "line"
    shutil.rmtree(path)


@pytest.fixture(params=["served", "off"])
def line(request: pytest.FixtureRequest, directory: Path) -> Iterator[Path]:
    """A line with two tips whose day is far, served or not."""
    asyncio.run(add_tips(directory, {HELD: 20, YOUNG: 20}))
    with contextlib.ExitStack() as stack:
        if request.param == "served":
            stack.enter_context(serve(directory))
        yield directory


def test_purge_when_nothing_is_due_then_the_plan_counts_and_asks_for_nothing(line: Path) -> None:
    """The plan is data; there is nothing to say beside it."""
    code, out, err = run("purge", line)
    assert (code, err) == (0, "")
    day = (TODAY + datetime.timedelta(days=20)).isoformat()
    assert out.startswith(f"Today is {TODAY}.\nNothing would go.\nWhat is stored, by the day")
    assert re.search(rf"^  {day}  sealed_tip +2$", out, re.MULTILINE)


def test_purge_when_early_then_the_plan_is_shown_and_apply_does_it(line: Path) -> None:
    """The transcript of one early death."""
    day = (TODAY + datetime.timedelta(days=20)).isoformat()
    assert run("purge", line, "--early", YOUNG) == (
        0,
        (
            f"Today is {TODAY}.\nThese would go:\n"
            f"  {YOUNG}  sealed_tip  {day}  its end was asked for\n"
        ),
        "nothing was done; --apply does it\n",
    )
    code, out, err = run("purge", line, "--early", YOUNG, "--apply")
    assert (code, err) == (0, "")
    assert "1 because its end was asked for" in out
    assert run("purge", line, "--early", YOUNG) == (
        41,
        "",
        (
            f"tipline: error: 1 of these tips is not here: {YOUNG}\n"
            "tipline: hint: nothing was done; leave these out, or look whether they died already\n"
        ),
    )
    assert json.loads(run("purge", line, "--json")[1])["counts"][0]["count"] == 1


def test_purge_when_an_id_is_misspelled_then_usage_error(line: Path) -> None:
    """What is no id is not looked for."""
    assert run("purge", line, "--early", "xyz") == (
        2,
        "",
        "tipline: error: the id of a tip has 32 digits, 0 to 9 and a to f\n",
    )


def test_hold_when_added_listed_and_released_then_each_step_says_what_it_did(line: Path) -> None:
    """The transcript of a hold's life."""
    words = ("hold", "add", line, "--until", UNTIL, "--tips", HELD)
    code, out, err = run(*words, stdin=PERSONS)
    assert code == 0
    told = re.fullmatch(rf"hold ([0-9a-f]{{32}}): 1 tip is held until {UNTIL}\n", out)
    assert told is not None
    said = "the log will show this hold to everybody, without persons and reason\n"
    assert err == QUESTIONS + said
    hold = told[1]
    assert run("hold", "list", line) == (
        0,
        (
            f"hold {hold}, from {TODAY} until {UNTIL}: 1 tip\n"
            "  asked for by Ana Duarte\n  agreed to by Luís Prado\n  because: court order 17\n"
        ),
        "",
    )
    assert run("purge", line, "--early", HELD)[2].startswith(
        f"tipline: error: tip {HELD} is held: {hold}\n"
    )
    assert run("hold", "release", line, hold) == (
        0,
        f"Today is {TODAY}.\nNothing would go.\nHold {hold} ends.\n",
        "nothing was done; --apply does it\n",
    )
    code, out, err = run("hold", "release", line, hold, "--apply")
    assert (code, err) == (0, "")
    assert f"hold {hold} ended\n" in out
    code, out, err = run("hold", "list", line)
    assert (code, err) == (0, "")
    assert out.startswith("No hold lasts.\nended; its text is kept until ")
    assert run("hold", "release", line, hold) == (
        33,
        "",
        (
            f"tipline: error: there is no hold {hold}\n"
            "tipline: hint: look for its id: tipline hold list DIR\n"
        ),
    )


@pytest.mark.parametrize(
    ("stdin", "error"),
    [
        ("Ana\nana\nwhy\n", "a hold needs two different persons"),
        ("", "a person's name has 1 to 120 characters, on one line"),
        ("Ana\nLuís\n", "a reason has 1 to 1000 characters, on one line"),
    ],
)
def test_hold_when_the_answers_do_not_hold_then_nothing_is_placed(
    directory: Path, stdin: str, error: str
) -> None:
    """Who cannot name two persons and a reason holds nothing."""
    words = ("hold", "add", directory, "--until", UNTIL, "--channel", "city")
    code, out, err = run(*words, stdin=stdin)
    assert (code, out) == (33, "")
    assert f"tipline: error: {error}\n" in err
    assert run("hold", "list", directory)[1] == "No hold lasts.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--until", str(TODAY), "--channel", "city"), f"{TODAY} is not after today"),
        (("--until", "14/3/2031", "--channel", "city"), "a day is written YYYY-MM-DD"),
        (("--until", UNTIL, "--channel", "cty"), "cty"),
        (("--until", UNTIL, "--tips", OLD), OLD),
        (("--until", UNTIL, "--tips", "no"), "32"),
    ],
)
def test_hold_when_what_is_on_the_command_line_does_not_hold_then_nobody_is_asked(
    directory: Path, words: tuple[str, ...], told: str
) -> None:
    """Who mistyped a day, a channel or an id is told before naming persons and reason."""
    code, out, err = run("hold", "add", directory, *words, stdin=PERSONS)
    assert (code != 0, out) == (True, "")
    assert told in err
    assert not any(question.strip() in err for question in ("Who asks for the hold:", "Why:"))


def test_hold_when_over_a_channel_then_json_has_what_an_auditor_needs(directory: Path) -> None:
    """Text and salt hash to the commitment of the log."""
    words = ("hold", "add", directory, "--until", LATER, "--channel", "city", "--json")
    placed = json.loads(run(*words, stdin=PERSONS)[1])
    (listed,) = json.loads(run("hold", "list", directory, "--json")[1])["holds"]
    assert listed["hold"] == placed["hold"]
    assert listed["commitment"] == placed["commitment"]
    assert listed["words"]["channel"] == "city"


def test_hold_when_a_tip_of_the_channel_opens_for_nobody_then_it_is_counted_and_said(
    directory: Path,
) -> None:
    """Who holds a channel is told how many tips the hold does not cover; the log has no count."""
    asyncio.run(add_tips(directory, {HELD: 20, YOUNG: 20}))
    with contextlib.closing(sqlite3.connect(directory / "tipline.db")) as database:
        query = "SELECT slot FROM tips WHERE id = ?"
        ((slot,),) = database.execute(query, [bytes.fromhex(YOUNG)])
    words = ("hold", "add", directory, "--until", UNTIL, "--channel", "city")
    with serve(directory):
        with (directory / "slots" / "slot-file").open("r+b") as file:
            file.seek(slot * SLOT_BYTES)
            file.write(bytes(SLOT_BYTES))
        code, out, _ = run(*words, stdin=PERSONS)
        assert code == 0
        assert out.splitlines()[0].endswith(f": 1 tip is held until {UNTIL}")
        assert out.splitlines()[1:] == ["1 tip of the channel is not held: nobody can open it"]
        placed = json.loads(run(*words, "--json", stdin=PERSONS)[1])
        assert (placed["count"], placed["passed_over"]) == (1, 1)


def test_purge_when_a_day_came_while_the_line_was_off_then_what_is_held_stays(
    directory: Path,
) -> None:
    """Applied on a line that is off; served again, the desk still gets what is held."""
    asyncio.run(add_tips(directory, {HELD: 1, YOUNG: 20}))
    words = ("hold", "add", directory, "--until", UNTIL, "--tips", HELD)
    assert run(*words, stdin=PERSONS)[0] == 0
    asyncio.run(add_tips(directory, {OLD: 0}))
    code, out, _ = run("purge", directory, "--apply", "--json")
    report: dict[str, Any] = json.loads(out)
    assert code == 0
    gone = {dead["class"]: dead["count"] for dead in report["records"]}
    assert gone["sealed_tip"] == 1
    assert report["failures"] == []
    with serve(directory):
        counts = json.loads(run("purge", directory, "--json")[1])["counts"]
        assert sum(one["count"] for one in counts if one["class"] == "sealed_tip") == 2


def test_commands_when_the_directory_is_none_then_said_so(tmp_path: Path) -> None:
    """Neither purge nor hold makes anything of a wrong path."""
    for words in (("purge", tmp_path), ("hold", "list", tmp_path)):
        code, out, err = run(*words)
        assert (code, out) == (41, "")
        assert err.startswith("tipline: error: ")
    assert list(tmp_path.iterdir()) == []


def test_commands_when_another_language_is_chosen_then_spoken(directory: Path) -> None:
    """The words come from the catalogue."""
    assert run("hold", "list", directory, language="es")[1] == (
        "No hay ninguna retención legal en vigor.\n"
    )
    assert "Nada iria embora.\n" in run("purge", directory, language="pt")[1]


def test_clock_when_the_line_is_served_then_it_is_asked_and_can_be_confirmed(line: Path) -> None:
    """Looking at the clock and confirming it need no stop of the line."""
    code, out, err = run("clock", line, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["trusted"] == TODAY.isoformat()
    assert run("clock", line, "--confirm", TODAY.isoformat())[0] == 0
    yesterday = (TODAY - datetime.timedelta(days=1)).isoformat()
    code, out, err = run("clock", line, "--confirm", yesterday)
    assert (code, out) == (41, "")
    assert yesterday in err


def test_policy_when_the_line_is_served_then_what_a_change_does_is_counted(line: Path) -> None:
    """A policy can be tried against what is stored without stopping the line."""
    policy = line.with_name("policy.toml")
    text = (line / "policy.toml").read_text()
    policy.write_text(text.replace("= 60", "= 10"))
    code, out, err = run("policy", "check", policy, "--line", line, "--json")
    assert (code, err) == (0, "")
    changes = {change["class"]: change for change in json.loads(out)["changes"]}
    assert changes["sealed_tip"]["stored"] == 2
    assert changes["sealed_tip"]["at_once"] == 2
