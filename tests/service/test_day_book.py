"""What the log will tell of a day: written down without keeping others waiting."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.service.test_purge import TODAY, day, open_line
from tipline.service.day_book import TextKind, part_leaves

COUNT = 300


async def test_write_down_when_many_tips_came_then_their_leaves_go_in_one_statement(
    short_path: Path,
) -> None:
    """How long everybody waits at the log's hour does not grow with one statement per tip."""
    store = open_line(short_path)
    leaves = sorted(secrets.token_bytes(32) for _ in range(COUNT))

    def fill() -> None:
        for leaf in leaves:
            store._database.execute(
                "INSERT INTO arrivals VALUES (?, ?)", [day(-1).isoformat(), leaf]
            )

    await store._writer.call(fill)
    asked: list[str] = []
    store._database.conn.set_trace_callback(asked.append)
    await store.day_book.write_down(day(-1), logged_on=TODAY, dies_on=day(90))
    store._database.conn.set_trace_callback(None)

    assert len([one for one in asked if one.startswith("DELETE FROM arrivals")]) == 1
    assert store._database.execute("SELECT count(*) FROM arrivals").fetchone() == (0,)
    texts = {text.kind: text.text for text in await store.day_book.read_texts(day(-1))}
    assert part_leaves(texts[TextKind.ARRIVALS])[1] == leaves
    store.close()
