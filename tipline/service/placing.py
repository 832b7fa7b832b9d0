"""
Placing a hold, while the line is served.

Rules:
1. Nothing dies meanwhile, and what arrives meanwhile is held, too.
2. It goes in small parts, with a breath between: whoever sends or fetches waits for one of them.
3. The hold's row comes last: before it there is no hold, and the next purge takes away what is
   left.
4. What was named must open. What lies in a channel and opens for nobody is passed over and counted:
   one damaged tip does not keep the others from being held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Final

from retention.hold import Hold
from retention.promise import Promises
from tipline.service.holdings import Holdings, find_text_end, seal_words
from tipline.service.record_keys import KeyUnavailableError, RecordKeys
from tipline.service.rows import Rows
from tipline.service.sealed_envelopes import FoundKey, SealedEnvelopes
from tipline.service.store import Placed
from tipline.service.writer import GroupWriter

PART_TIPS: Final = 50  # put under the hold in one go
WALK_TIPS: Final = 500  # looked at in one go
BREATH_SECONDS: Final = 0.002


class Placing:
    """
    Places the holds of one store.

    Args:
        writer: Runs what touches the database.
        rows: The rows.
        holdings: The holds.
        keys: Where their keys are made.
        envelopes: Opens the data keys.
        turn: Held meanwhile, so that nothing dies.
        on_fault: Told of each tip that was passed over.
    """

    def __init__(
        self,
        *,
        writer: GroupWriter,
        rows: Rows,
        holdings: Holdings,
        keys: RecordKeys,
        envelopes: SealedEnvelopes,
        turn: asyncio.Lock,
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._writer = writer
        self._rows = rows
        self._holdings = holdings
        self._keys = keys
        self._envelopes = envelopes
        self._turn = turn
        self._on_fault = on_fault

    async def place(self, hold: Hold, tip_ids: Collection[bytes], *, promises: Promises) -> Placed:
        """
        Place a hold over tips, or over its channel.

        Args:
            hold: With its words.
            tip_ids: The tips that were named.
            promises: How long its words are kept.

        Returns:
            How many tips it holds by now, and how many it passed over.

        Raises:
            KeyUnavailableError: a tip that was named opens for nobody, or the slot file refuses.
        """
        # While it lasts its words must not die, whatever the period of such a text is.
        words_die_on = find_text_end(promises, hold.until_on)
        passed_over = 0
        async with self._turn:
            await asyncio.to_thread(self._keys.make_hold, hold.id)
            try:
                words = await asyncio.to_thread(seal_words, hold, self._keys, dies_on=words_die_on)
                await self._writer.call(lambda: self._holdings.begin(hold))
                named = list(tip_ids)
                for start in range(0, len(named), PART_TIPS):
                    await self._put_under(hold, named[start : start + PART_TIPS], are_named=True)
                if hold.words is not None and hold.words.channel is not None:
                    async for part in self._walk(hold.words.channel):
                        passed_over += await self._put_under(hold, part, are_named=False)
                held = await self._writer.call(lambda: self._holdings.add(hold, words))
            except BaseException:
                await self._writer.call(lambda: self._holdings.forget(hold.id))
                await asyncio.to_thread(self._keys.destroy_holds, [hold.id])
                raise
        return Placed(held=held, passed_over=passed_over)

    async def has_channel(self, channel: str) -> bool:
        """
        Look, a part at a time, whether there is a tip of a channel.

        Args:
            channel: As the client named it.

        Returns:
            Whether.
        """
        async for part in self._walk(channel):
            if part:
                return True
        return False

    async def _walk(self, channel: str) -> AsyncIterator[list[bytes]]:
        last = b""
        while True:
            found = await self._writer.call(
                lambda last=last: self._holdings.find_tips(channel, after=last, limit=WALK_TIPS)  # type: ignore[misc]
            )
            if not found:
                return
            last = found[-1][0]
            ids = [tip_id for tip_id, is_of_channel in found if is_of_channel]
            for start in range(0, len(ids), PART_TIPS):
                yield ids[start : start + PART_TIPS]

    async def _put_under(self, hold: Hold, tip_ids: list[bytes], *, are_named: bool) -> int:
        """Put tips under a hold; tell how many open for nobody."""
        found = await self._writer.call(
            lambda: {
                one: find_wrapped_key(self._rows, self._holdings, "tips", one) for one in tip_ids
            }
        )
        known = {tip_id: key for tip_id, key in found.items() if key is not None}
        wraps = await asyncio.to_thread(self._wrap, hold, known, are_named=are_named)
        await self._writer.call(lambda: self._holdings.add_wraps(hold.id, wraps))
        await asyncio.sleep(BREATH_SECONDS)
        return len(known) - len(wraps)

    def _wrap(
        self, hold: Hold, found: Mapping[bytes, FoundKey], *, are_named: bool
    ) -> dict[bytes, bytes]:
        wraps = {}
        for tip_id, key in found.items():
            try:
                data_key = self._envelopes.open_key(key)
            except KeyUnavailableError as exc:
                if are_named:
                    raise
                self._on_fault(exc)
                continue
            wraps[tip_id] = self._keys.wrap_held(key.key, data_key, hold_id=hold.id)
        return wraps


def find_wrapped_key(
    rows: Rows, holdings: Holdings, table: str, record_id: bytes
) -> FoundKey | None:
    """
    Find what a record's data key is wrapped under; in the writer's thread.

    Args:
        rows: The rows.
        holdings: The holds.
        table: `tips` or `uploads`.
        record_id: Its id.

    Returns:
        What the database says; None if there is no such record.
    """
    found = rows.find_key(table, record_id)
    if found is None:
        return None
    wraps = holdings.find_wraps(record_id) if table == "tips" else ()
    return FoundKey(key=found[0], dies_on=found[1], wraps=wraps)
