"""Transcripts of a backup put back, with its slot file and without, and of a handover."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_operations import (
    HELD,
    OLD,
    PERSONS,
    TODAY,
    UNTIL,
    YOUNG,
    add_tips,
    directory,
    run,
    serve,
)

__all__ = ["directory"]  # a fixture


@pytest.fixture
def recipient(directory: Path) -> str:
    """The recipient of an identity that lies beside the line."""
    code, out, err = run("age", "keygen", "-o", directory.with_name("identity"))
    assert (code, out) == (0, "")
    found = re.search(r"age1pq1\S+", err)
    assert found is not None
    return found[0]


def count_tips(line: Path) -> int:
    """Count what a line stores, as its own command tells it."""
    plan: dict[str, Any] = json.loads(run("purge", line, "--json")[1])
    return sum(one["count"] for one in plan["counts"] if one["class"] == "sealed_tip")


def test_backup_when_made_while_served_then_what_died_since_does_not_come_back(
    directory: Path, recipient: str
) -> None:
    """Each command says what it did, what it refused, and what to do instead."""
    line, out_file = directory, directory.with_name("line.age")
    asyncio.run(add_tips(line, {HELD: 20, YOUNG: 20, OLD: 20}))
    words = ("restore", out_file, line, "-i", line.with_name("identity"))
    with serve(line):
        code, out, err = run("backup", line, out_file, "-r", recipient)
        assert (code, err) == (0, "")
        assert re.fullmatch(
            rf"{out_file} is written\. It must not be used, and has to go, from \S+ on\.\n"
            r"SHA-256: [0-9a-f]{64}\n",
            out,
        )
        code, out, err = run("backup", line, out_file, "-r", recipient)
        assert (code, out) == (46, "")
        assert err == f"tipline: error: there is something under the name {out_file} already\n"
        assert run("purge", line, "--early", YOUNG, "--apply")[0] == 0
        code, out, err = run(*words)
        assert (code, out) == (41, "")
        assert f"tipline: error: {line} is in use" in err
    code, out, err = run(*words)
    assert (code, out) == (41, "")
    assert "--replace" in err
    (line / "tipline.db").unlink()
    for path in line.glob("tipline.db-*"):
        path.unlink()
    code, out, err = run("purge", line)
    assert (code, out) == (41, "")
    assert "tipline restore FILE DIR -i IDENTITY" in err
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert out == (
        f"The line is as on {TODAY}.\n"
        "sealed_tip: 1 had died since, and was taken out\n"
        "Tips that are there: 2\n"
        "Nothing was due.\n"
    )
    assert count_tips(line) == 2


def test_restore_when_the_slot_file_is_lost_then_it_goes_on_without_what_was_stored(
    directory: Path, recipient: str
) -> None:
    """Nothing begins anew by itself; on demand, onion and log go on, and no tip does."""
    line, out_file = directory, directory.with_name("line.age")
    asyncio.run(add_tips(line, {HELD: 20, YOUNG: 20}))
    assert run("backup", line, out_file, "-r", recipient)[0] == 0
    for path in (line / "tipline.db", line / "slots" / "slot-file"):
        path.unlink()
    words = ("restore", out_file, line, "-i", line.with_name("identity"))
    code, out, err = run(*words)
    assert (code, out) == (41, "")
    assert "there is no slot file in" in err
    assert "--new-slots" in err
    # With the slot file went what was kept beside it: how far the log was shown.
    code, out, err = run(*words, "--new-slots")
    assert (code, out) == (41, "")
    assert "--older-log" in err
    code, out, err = run(*words, "--new-slots", "--older-log")
    assert (code, err) == (0, "")
    assert "sealed_tip: 2 had died since, and were taken out\nTips that are there: 0\n" in out
    with serve(line):
        assert count_tips(line) == 0


def test_handover_when_taken_over_then_it_runs_there_and_nothing_is_left_here(
    directory: Path, recipient: str
) -> None:
    """Shown, written, refused here, called off, written again, taken over, ended here."""
    here, there, out_file = directory, directory.with_name("t"), directory.with_name("o.age")
    asyncio.run(add_tips(here, {HELD: 20, YOUNG: 20}))
    hold = run("hold", "add", here, "--until", UNTIL, "--tips", HELD, "--json", stdin=PERSONS)
    assert hold[0] == 0
    write = ("close", here, "--hand-over", out_file, "-r", recipient)
    assert run(*write) == (
        0,
        "All that the line has, with its keys, would be sealed into a file.\n",
        "nothing was done; --apply does it\n",
    )
    assert not out_file.exists()
    code, out, err = run("close", here, "--hand-over", out_file, "--apply")
    assert (code, out, err) == (2, "", "tipline: error: a handover needs a recipient: -r\n")

    code, out, err = run(*write, "--apply")
    assert (code, err) == (0, "")
    assert re.match(r"SHA-256: [0-9a-f]{64}\n", out)
    code, out, err = run("purge", here)
    assert (code, out) == (41, "")
    assert err.startswith(
        f"tipline: error: the line in {here} was handed over to another operator\n"
        "tipline: hint: if the new operator has not opened it, go on here:"
    )
    code, out, err = run("close", here, "--cancel", "--apply")
    assert (code, out, err) == (0, "The line goes on here. Let the written file go.\n", "")
    assert count_tips(here) == 2
    out_file.unlink()

    assert run(*write, "--apply")[0] == 0
    code, out, err = run(
        *("restore", out_file, there, "-i", here.with_name("identity")), "--slot-root", "none"
    )
    assert (code, err) == (0, "")
    assert out.startswith(f"The line of {TODAY} was taken over.\nTips that are there: 2\n")
    with serve(there):
        assert count_tips(there) == 2
        assert json.loads(hold[1])["hold"] in run("hold", "list", there)[1]

    end = ("close", here, "--handed-over", out_file)
    assert run(*end) == (
        0,
        "All keys of the line would be overwritten here, for good.\n",
        "nothing was done; --apply does it\n",
    )
    code, out, err = run("close", here, "--handed-over", here.with_name("identity"), "--apply")
    assert (code, out) == (41, "")
    assert "is not the file that was written" in err
    assert run(*end, "--apply") == (
        0,
        (
            "The keys were overwritten and read back. The line is not here any more.\n"
            "Destroy every backup of the line: they have its keys, too.\n"
        ),
        "",
    )
    code, out, err = run("doctor", here)
    assert code == 0
    assert "this line has ended here" in out + err
    code, out, err = run("serve", here, "--no-tor")
    assert (code, out) == (41, "")
    assert not {path.name for path in (here / "keys").iterdir()} & {"service.key", "log.key"}
    with serve(there):
        assert count_tips(there) == 2
