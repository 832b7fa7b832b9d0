"""What the desk does with a bundle, in processes without network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tipline.demonstration.isolation import run_offline
from tipline.demonstration.line import ThrowawayLine
from tipline.errors import CheckError


def open_at_desk(line: ThrowawayLine) -> list[str]:
    """
    Open the bundle that was carried, as the desk does.

    Args:
        line: Its bundle is there.

    Returns:
        The ids of the tips that were opened now.

    Raises:
        NetworkError: this machine lets no process be cut off.
        CheckError: the desk refused.
    """
    outcome = _run(
        line,
        "open",
        str(line.bundle),
        *("--vault", str(line.vault)),
        *("--identity", str(line.identity)),
        *("--root", line.root),
        "--json",
    )
    return [tip["id"] for tip in json.loads(outcome)["tips"] if tip["state"] == "opened"]


def find_opened(line: ThrowawayLine, tip_id: str) -> tuple[dict[str, Any], Path]:
    """
    Find what the desk keeps of a tip.

    Args:
        line: Its desk opened the tip.
        tip_id: Which.

    Returns:
        `tip.json` as it was read, and the directory of the tip's files.

    Raises:
        NetworkError: this machine lets no process be cut off.
        CheckError: the desk has no such tip.
    """
    shown = json.loads(_run(line, "show", tip_id, "--vault", str(line.vault), "--json"))
    return shown["tip"], Path(shown["place"])


def show_opened(line: ThrowawayLine, tip_id: str) -> str:
    """
    Show a tip as the desk's command shows it to a person.

    Args:
        line: Its desk opened the tip.
        tip_id: Which.

    Returns:
        Lines that are safe to print.

    Raises:
        NetworkError: this machine lets no process be cut off.
        CheckError: the desk has no such tip.
    """
    return _run(line, "show", tip_id, "--vault", str(line.vault))


def _run(line: ThrowawayLine, *arguments: str) -> str:
    done = run_offline(["desk", *arguments], directory=line.workstation)
    if done.returncode != 0:
        # What the desk says is written by us and safe to print; it names no word of a tip.
        raise CheckError("check_desk", reason=done.stderr.strip().removeprefix("tipline: error: "))
    return done.stdout
