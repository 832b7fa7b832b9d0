"""Random ids, drawn many at once."""

from __future__ import annotations

from crypto.randomness import system_random
from tipline.service.drawn_ids import DrawnIds


def test_ids_when_drawn_then_none_comes_twice_and_few_calls_are_made() -> None:
    """Each is 16 bytes of what was drawn, and is handed out once."""
    calls: list[int] = []

    def draw(count: int) -> bytes:
        calls.append(count)
        return system_random(count)

    ids = DrawnIds(draw)
    drawn = [ids.draw() for _ in range(600)]
    assert len(set(drawn)) == 600
    assert {len(one) for one in drawn} == {16}
    assert len(calls) == 3


def test_nonce_when_drawn_then_it_was_in_nobodys_memory_before() -> None:
    """A machine that is begun twice from one snapshot draws another the second time."""
    later = [system_random(16), system_random(16)]
    ids = DrawnIds(lambda count: later.pop() if count == 16 else system_random(count))
    ids.draw()
    expected = later[-1]
    assert ids.draw_nonce() == expected
