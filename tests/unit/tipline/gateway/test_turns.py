"""Who is taken next."""

from __future__ import annotations

import asyncio

import pytest

from tipline.gateway.turns import CrowdedError, TooManyError, Turns


async def settle() -> None:
    """Let everything happen that can happen by itself."""
    for _ in range(5):
        await asyncio.sleep(0)


class Crowd:
    """Senders that take turns; a test lets them go on one by one."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.inside: list[str] = []
        self._doors: dict[str, asyncio.Event] = {}

    def send(self, name: str, sender: str) -> asyncio.Task[None]:
        """Begin a message."""
        self._doors[name] = asyncio.Event()
        return asyncio.create_task(self._run(name, sender))

    def let_out(self, name: str) -> None:
        """End a message."""
        self._doors[name].set()

    async def _run(self, name: str, sender: str) -> None:
        async with self._turns.take(sender):
            self.inside.append(name)
            await self._doors[name].wait()


async def test_turns_when_one_sender_sends_many_then_another_comes_in_between() -> None:
    """Senders take turns, one message each, whatever the order in which they came."""
    crowd = Crowd(Turns(places=1, waiting=10, waiting_of_one=10))
    names = ["a1", "a2", "a3", "a4", "b1", "c1", "b2"]
    tasks = []
    for name in names:
        tasks.append(crowd.send(name, name[0]))
        await settle()
    for _ in names:
        crowd.let_out(crowd.inside[-1])
        await settle()
    await asyncio.gather(*tasks)
    assert crowd.inside == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_turns_when_too_many_of_one_wait_then_it_alone_is_told() -> None:
    """A sender has so many places among those who wait."""
    crowd = Crowd(Turns(places=1, waiting=10, waiting_of_one=2))
    begun = [crowd.send(name, "a") for name in ("a1", "a2", "a3")]
    await settle()
    with pytest.raises(TooManyError):
        await asyncio.wait_for(crowd.send("a4", "a"), 5)
    other = crowd.send("b1", "b")
    await settle()
    for name in ("a1", "a2", "b1", "a3"):
        crowd.let_out(name)
    await asyncio.gather(*begun, other)


async def test_turns_when_all_places_are_taken_then_the_busiest_makes_room() -> None:
    """Whoever waits most often gives its newest place to a sender that waits less."""
    crowd = Crowd(Turns(places=1, waiting=3, waiting_of_one=3))
    begun = [crowd.send(name, "a") for name in ("a1", "a2", "a3", "a4")]
    await settle()
    other = crowd.send("b1", "b")
    await settle()
    with pytest.raises(CrowdedError):
        await asyncio.wait_for(begun[3], 5)
    for name in ("a1", "a2", "a3", "b1"):
        crowd.let_out(name)
    await asyncio.gather(*begun[:3], other)
    assert "b1" in crowd.inside


async def test_turns_when_all_wait_alike_then_the_newest_is_told() -> None:
    """Nobody is pushed out by somebody who would wait as often."""
    crowd = Crowd(Turns(places=1, waiting=2, waiting_of_one=3))
    begun = [crowd.send(name, name[0]) for name in ("a1", "b1", "c1")]
    await settle()
    with pytest.raises(CrowdedError):
        await asyncio.wait_for(crowd.send("d1", "d"), 5)
    for name in ("a1", "b1", "c1"):
        crowd.let_out(name)
    await asyncio.gather(*begun)


async def test_turns_when_somebody_goes_away_then_its_place_is_not_lost() -> None:
    """Who is cancelled while waiting, or at the moment of its turn, takes no place with it."""
    turns = Turns(places=1, waiting=10, waiting_of_one=10)
    crowd = Crowd(turns)
    first, second, third = (crowd.send(name, name[0]) for name in ("a1", "b1", "c1"))
    await settle()
    crowd.let_out("a1")
    await asyncio.sleep(0)  # the place is given to b1, which has not run yet
    second.cancel()
    await settle()
    assert crowd.inside == ["a1", "c1"]
    waiting = crowd.send("d1", "d")
    await settle()
    waiting.cancel()
    await settle()
    crowd.let_out("c1")
    await asyncio.wait_for(asyncio.gather(first, third), 5)
    async with asyncio.timeout(1), turns.take("e"):
        pass


async def test_turns_when_who_makes_room_goes_away_at_once_then_no_place_is_made_of_it() -> None:
    """Who never had a place gives none back."""
    turns = Turns(places=1, waiting=2, waiting_of_one=2)
    crowd = Crowd(turns)
    first = crowd.send("first", "a")
    await settle()
    waiting = [crowd.send("b1", "b"), crowd.send("b2", "b")]
    await settle()
    newcomer = crowd.send("c1", "c")
    await asyncio.sleep(0)  # b2 has been told to make room, and has not heard it
    waiting[1].cancel()
    await settle()
    crowd.let_out("first")
    await settle()
    assert crowd.inside == ["first", "b1"]
    for name in ("b1", "c1"):
        crowd.let_out(name)
        await settle()
    await asyncio.gather(first, waiting[0], newcomer)
    assert crowd.inside == ["first", "b1", "c1"]
