"""`tipline clock`: which day it is for a line."""

from __future__ import annotations

import datetime
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.note import Signer
from retention.policy import EVENTS
from retention.time_state import TimeState, format_state, parse_state
from tipline.__main__ import main
from tipline.clock import system_boot_clock, system_clock
from tipline.console import Console
from tipline.doctor import examine
from tipline.instance import init_instance, take_lock

DAY = datetime.timedelta(days=1)


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A line that nobody serves."""
    texts = {
        f"line.{part}.{language}": "Harbour line"
        for part in ("name", "emergency")
        for language in ("en", "es", "pt")
    }
    init_instance(
        tmp_path / "line",
        settings={"root": Signer.generate("tipline-root").verifier().format(), **texts},
        periods={name: dict.fromkeys(events, 30) for name, events in EVENTS.items()},
        translate=lambda text: text,
        today=system_clock().date(),
    )
    (tmp_path / "line" / "slots").mkdir(mode=0o700, exist_ok=True)
    return tmp_path / "line"


@pytest.fixture
def served(line: Path) -> Iterator[Path]:
    """A line that somebody serves."""
    lock = take_lock(line)
    yield line
    os.close(lock)


def keep(line: Path, *, off: datetime.timedelta) -> None:
    """Write what a service kept that ended so long ago, before this boot."""
    moment = (system_clock() - off).replace(minute=0, second=0, microsecond=0)
    state = TimeState(mark=moment, boot="0" * 8, started_at=moment)
    (line / "slots" / "clock").write_bytes(format_state(state))


def run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    console = Console(translate=lambda text: text, out=out, err=err, input=io.BytesIO())
    code = main(["clock", *words], console=console)
    return code, out.getvalue(), err.getvalue()


def find_codes(line: Path) -> dict[str, Any]:
    found = examine(line, clock=system_clock)
    return {finding.code: finding.level for finding in found if finding.code.startswith("clock")}


def uptime_of_test() -> datetime.timedelta:
    return system_boot_clock()[1]


def test_clock_when_the_line_is_new_then_both_days_are_the_same(line: Path) -> None:
    """A line that was never served has the machine's day, and nothing to confirm."""
    code, out, _ = run(str(line))
    assert (code, out.count(str(system_clock().date()))) == (0, 2)
    assert "confirm" not in out
    assert find_codes(line) == {}
    assert not (line / "slots" / "clock").exists()


def test_clock_when_a_jump_waits_then_it_says_so_and_what_to_do(line: Path) -> None:
    """Both days are told, and the command that confirms; asking changes nothing."""
    keep(line, off=30 * DAY + uptime_of_test())
    before = (line / "slots" / "clock").read_bytes()
    code, out, _ = run(str(line))
    assert code == 0
    assert f"tipline clock {line} --confirm {system_clock().date()}" in out
    told = json.loads(run(str(line), "--json")[1])
    assert told["clock"] == told["waiting_since"] == str(system_clock().date())
    assert 30 * 24 - 1 <= told["ahead_hours"] <= 30 * 24 + 1
    assert find_codes(line) == {"clock_waits": "wrong"}
    assert (line / "slots" / "clock").read_bytes() == before


@pytest.mark.parametrize(("off", "code"), [(-5 * DAY, "clock_back"), (30 * DAY, "clock_waits")])
def test_clock_when_confirmed_then_it_is_trusted_and_the_service_will_tell(
    line: Path, off: datetime.timedelta, code: str
) -> None:
    """The day that a person names is trusted, forwards and backwards, and will be told."""
    keep(line, off=off + uptime_of_test())
    assert find_codes(line) == {code: "wrong"}
    day = system_clock().date()
    assert run(str(line), "--confirm", str(day))[0] == 0
    assert find_codes(line) == {}
    assert parse_state((line / "slots" / "clock").read_bytes()).confirmed


def test_clock_when_another_day_is_named_then_nothing_changes(line: Path) -> None:
    """Who names a day that the clock does not tell has to set the clock."""
    keep(line, off=30 * DAY + uptime_of_test())
    before = (line / "slots" / "clock").read_bytes()
    code, _, err = run(str(line), "--confirm", str(system_clock().date() - DAY))
    assert code == 41
    assert "set this machine's clock first" in err
    assert (line / "slots" / "clock").read_bytes() == before


def test_clock_when_no_day_is_named_then_the_spelling_is_said(line: Path) -> None:
    """A day of another spelling is not guessed at."""
    code, _, err = run(str(line), "--confirm", "14.3.2031")
    assert code == 2
    assert "YYYY-MM-DD" in err


def test_clock_when_the_line_is_served_then_it_tells_and_does_not_confirm(served: Path) -> None:
    """Beside a running service only looking is possible."""
    assert run(str(served))[0] == 0
    code, _, err = run(str(served), "--confirm", str(system_clock().date()))
    assert code == 41
    assert "runs already" in err


def test_clock_when_its_file_is_damaged_then_it_is_named_and_a_person_can_mend_it(
    line: Path,
) -> None:
    """A damaged state is an error in every place, until a person confirms the day."""
    (line / "slots" / "clock").write_bytes(b"\0" * 100)
    code, _, err = run(str(line))
    assert code == 41
    assert "is damaged" in err
    assert find_codes(line) == {"clock_state": "wrong"}
    assert run(str(line), "--confirm", str(system_clock().date()))[0] == 0
    assert find_codes(line) == {}


def test_clock_when_it_is_some_hours_ahead_within_one_boot_then_it_warns(line: Path) -> None:
    """What was measured counts until a person or the next start says otherwise."""
    boot, uptime = system_boot_clock()
    started_at = (system_clock() - uptime - datetime.timedelta(hours=5)).replace(microsecond=0)
    mark = started_at.replace(minute=0, second=0)
    (line / "slots" / "clock").write_bytes(
        format_state(TimeState(mark=mark, boot=boot, started_at=started_at))
    )
    assert find_codes(line) == {"clock_ahead": "warning"}
    out = run(str(line))[1]
    assert "until the next start" in out
    assert "--confirm" in out
