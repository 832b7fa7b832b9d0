"""The code with the onion's address."""

from __future__ import annotations

import segno

from tipline.demonstration.onion import QUIET_ZONE_MODULES, format_qr

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
