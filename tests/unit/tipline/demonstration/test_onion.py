"""What the demonstration says of its onion, and the code with its address."""

from __future__ import annotations

import pytest
import segno

from tipline.demonstration.onion import QUIET_ZONE_MODULES, describe_wait, format_qr
from tipline.onion.control import Bootstrap

HALVES = {"\N{FULL BLOCK}": (0, 0), "\N{UPPER HALF BLOCK}": (0, 1), "\N{LOWER HALF BLOCK}": (1, 0)}


def test_qr_when_read_back_has_every_module_of_the_code() -> None:
    """The characters draw exactly the code, its quiet zone around."""
    text = f"http://{'a' * 56}.onion/"
    rows: list[list[int]] = []
    for line in format_qr(text).splitlines():
        pairs = [HALVES.get(character, (1, 1)) for character in line]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    code = segno.make_qr(text, error="m")
    wanted = [list(row) for row in code.matrix_iter(border=QUIET_ZONE_MODULES)]
    assert rows[: len(wanted)] == wanted
    assert all(not any(row) for row in rows[len(wanted) :])


@pytest.mark.parametrize(
    ("percent", "stage", "words"),
    [
        (5, "conn", "Tor got nowhere within a minute: it stands at 5 % (conn)"),
        (99, "circuit", "Tor got nowhere within a minute: it stands at 99 % (circuit)"),
        (100, "done", "Tor is connected; the onion's address is still being published"),
    ],
)
def test_wait_when_a_minute_has_passed_then_the_real_stage_is_named(
    percent: int, stage: str, words: str
) -> None:
    """A Tor that is connected is not said to have got nowhere."""
    last = Bootstrap(percent=percent, stage=stage)
    assert describe_wait(last, translate=lambda text: text) == words
