"""`tipline policy check`: what a policy means."""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from crypto.note import Signer
from retention.policy import EVENTS, Event, RecordClass
from retention.policy_warnings import AT_LEAST, AT_MOST
from tests.cli.test_operations import add_tips, make_line
from tipline.__main__ import main
from tipline.clock import system_boot_clock, system_clock
from tipline.commands.policy import WARNINGS
from tipline.console import Console
from tipline.day_keeper import confirm_time
from tipline.example import format_policy
from tipline.instance import init_instance

ROOT = Path(__file__).resolve().parents[2]
PERIODS: dict[RecordClass, dict[Event, int]] = {
    name: dict.fromkeys(events, 30) for name, events in EVENTS.items()
}


def run(*words: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    console = Console(translate=lambda text: text, out=out, err=err, input=io.BytesIO())
    code = main(["policy", "check", *map(str, words)], console=console)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A policy of 30 days for everything."""
    path = tmp_path / "policy.toml"
    path.write_bytes(format_policy(PERIODS, translate=lambda text: text))
    return path


def test_check_when_the_policy_holds_then_it_is_told_in_words_and_as_a_table(file: Path) -> None:
    """Every period of every class is told twice, and the day on which it would end."""
    code, out, err = run(file)
    assert (code, err) == (0, "")
    words, table, warnings = out.split("\n\n")
    assert words.count(": 30") == sum(len(events) for events in EVENTS.values())
    assert words.count("whichever ends first") == 3
    gone_on = system_clock().date() + datetime.timedelta(days=30)
    rows = [tuple(line.split()) for line in table.splitlines()[1:]]
    assert rows == [
        (str(name), str(event), "30", str(gone_on))
        for name, events in EVENTS.items()
        for event in events
    ]
    assert "warning: partial_upload.begun: a source goes on within hours; 30 days" in warnings


def test_check_when_nothing_is_to_be_warned_of_then_it_says_how_far_that_goes(file: Path) -> None:
    """Numbers alone cannot tell everything, and the program says so."""
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    file.write_text(page.partition("```toml\n")[2].partition("```")[0])
    told = json.loads(run(file, "--json")[1])
    assert told["warnings"] == []
    assert "as far as can be told from numbers" in run(file)[1]


def test_check_when_read_by_a_machine_then_it_has_all_of_it(file: Path) -> None:
    """The JSON has the periods and each warning with its bound."""
    told = json.loads(run(file, "--json")[1])
    assert told["periods"]["sealed_tip"] == {"arrived": 30, "picked_up": 30}
    assert {"code": "partial_long", "key": "partial_upload.begun", "days": 30, "limit_days": 7} in (
        told["warnings"]
    )
    assert "changes" not in told


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("picked_up = 30", "# picked_up =", "sealed_tip.picked_up is missing"),
        ("picked_up = 30", "picked_up = 31", "sealed_tip.picked_up is longer than"),
        ("[keyset]", "[surprise]", "surprise"),
    ],
)
def test_check_when_the_policy_does_not_hold_then_the_key_is_named(
    file: Path, old: str, new: str, named: str
) -> None:
    """What cannot be used is an error, and explains nothing."""
    file.write_text(file.read_text().replace(old, new, 1))
    code, out, err = run(file)
    assert (code, out) == (31, "")
    assert named in err


def test_check_when_the_file_is_not_toml_then_its_own_name_and_line_are_told(
    file: Path,
) -> None:
    """Whoever tries a policy beside the one in force is sent to the right file and line."""
    tried = file.rename(file.with_name("next.toml"))
    tried.write_text(tried.read_text() + "\nnot toml\n")
    line = tried.read_text().count("\n")
    code, _, err = run(tried)
    assert code == 31
    assert f"{tried} cannot be read (line {line})" in err


def test_check_when_the_file_is_a_pipe_then_it_is_refused_and_not_waited_for(
    tmp_path: Path,
) -> None:
    """Nobody may ever write into it."""
    os.mkfifo(tmp_path / "pipe")
    code, _, err = run(tmp_path / "pipe")
    assert code == 46
    assert "pipe is not an ordinary file" in err


def test_check_when_there_is_no_file_then_it_is_named(tmp_path: Path) -> None:
    """A missing file is an error that names it."""
    code, _, err = run(tmp_path / "none.toml")
    assert code != 0
    assert "none.toml" in err


def test_check_when_a_line_is_named_then_what_it_stores_is_counted(
    file: Path, tmp_path: Path
) -> None:
    """A line that stores nothing has nothing that changes."""
    settings: dict[str, Any] = {
        f"line.{part}.{language}": "Harbour line"
        for part in ("name", "emergency")
        for language in ("en", "es", "pt")
    }
    settings["root"] = Signer.generate("tipline-root").verifier().format()
    init_instance(
        tmp_path / "line",
        settings=settings,
        periods=PERIODS,
        translate=lambda text: text,
        today=system_clock().date(),
    )
    assert "Nothing is stored." in run(file, "--line", tmp_path / "line")[1]
    assert json.loads(run(file, "--line", tmp_path / "line", "--json")[1])["changes"] == []


def test_check_when_nobody_serves_the_line_then_it_goes_by_the_day_that_the_line_trusts(
    file: Path, tmp_path: Path
) -> None:
    """A clock that stands back makes no record look younger than it is to the line."""
    line = tmp_path / "line"
    make_line(line)
    asyncio.run(add_tips(line, {"aa" * 16: 40}))  # under the file's policy 10 days are left to it

    def count_at_once() -> int:
        changes = json.loads(run(file, "--line", line, "--json")[1])["changes"]
        (change,) = [one for one in changes if one["class"] == "sealed_tip"]
        assert change["earlier"] == 1
        at_once: int = change["at_once"]
        return at_once

    assert count_at_once() == 0
    ahead = system_clock() + datetime.timedelta(days=12)
    confirm_time(line / "slots", ahead.date(), clock=lambda: ahead, boot_clock=system_boot_clock)
    assert count_at_once() == 1


def test_warnings_when_the_rules_are_read_then_each_has_its_words() -> None:
    """No warning is without words, and no words without a warning."""
    codes = {code for _, _, code in (*AT_LEAST, *AT_MOST)} | {"receipt_outlives"}
    assert set(WARNINGS) == codes
