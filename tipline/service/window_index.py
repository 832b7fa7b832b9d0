"""
The open conversations, in memory: found by the mark of whoever writes.

Rules:
1. A sender is looked for under the window key of each day on which a window dies, which are as
   many as a number is kept days.
2. A window whose day has come is not found any more, whether or not a purge has run.
3. Who is not found gets a new conversation, kept in mind so that two messages at once get one.
4. Several windows may have one mark: whatever ends one of their conversations ends all of them.
5. Here alone it stands which windows a conversation has: `ids_of` names every row that there may
   be, also one that is being stored just now, or that goes. It names too many rather than too few.
   Any thread may ask it; everything else is for the loop's thread.
6. Of a conversation's windows that in which its sender wrote last, since the start, is named last.

Limitations: some 700 bytes of memory for each day on which somebody wrote.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
from collections.abc import Callable, Iterable
from typing import Final

from crypto.secret import Secret
from crypto.window import mark_sender
from tipline.service.phone_rows import Window

MAX_RESERVED: Final = 20_000  # conversations of which nothing is stored yet


class WindowIndex:
    """
    The open conversations.

    Args:
        read_key: Gives the window key of a day to come.
    """

    def __init__(self, read_key: Callable[[datetime.date], Secret]) -> None:
        self._read_key = read_key
        self._windows: dict[bytes, Window] = {}
        self._by_mark: dict[bytes, dict[bytes, None]] = {}  # of each the windows, the newest last
        # Tuples, which are never changed: another thread may be reading one.
        self._ids: dict[bytes, tuple[bytes, ...]] = {}
        self._announced: dict[bytes, bytes] = {}  # windows that are being stored: of whom
        self._days: collections.Counter[datetime.date] = collections.Counter()
        self._reserved: collections.OrderedDict[bytes, bytes] = collections.OrderedDict()

    def load(self, windows: Iterable[Window]) -> None:
        """
        Take up what is stored, in the place of what is known.

        Args:
            windows: All of them.
        """
        self._windows.clear()
        self._by_mark.clear()
        self._days.clear()
        self._ids = {}
        for window_id, conversation in self._announced.items():
            self._name(window_id, conversation)
        for window in windows:
            self.add(window)

    def announce(self, window_id: bytes, conversation: bytes) -> None:
        """
        Take note of a window before it is stored: `ids_of` names it from now on.

        Args:
            window_id: Its id.
            conversation: Whose.
        """
        self._announced[window_id] = conversation
        self._name(window_id, conversation)

    def touch(self, window_id: bytes, conversation: bytes) -> None:
        """
        Take note that a sender wrote again in a window: `ids_of` names it last from now on.

        Args:
            window_id: Its id.
            conversation: Whose.
        """
        ids = self._ids.get(conversation, ())
        if window_id in ids:
            self._ids[conversation] = (*(one for one in ids if one != window_id), window_id)

    def settle(self, window_id: bytes) -> None:
        """
        Take note that a window is not being stored any more; if it was, it has been added.

        Args:
            window_id: Its id.
        """
        conversation = self._announced.pop(window_id, None)
        if conversation is not None:
            self._prune(conversation)

    def ids_of(self, conversation: bytes) -> tuple[bytes, ...]:
        """
        Name a conversation's windows. Any thread may ask.

        Args:
            conversation: Its id.

        Returns:
            The ids of all that there may be; last that in which its sender wrote last.
        """
        return self._ids.get(conversation, ())

    def add(self, window: Window) -> None:
        """
        Take up a window that is stored.

        Args:
            window: It; one that is known already is replaced.
        """
        self.forget([window.id])
        self._windows[window.id] = window
        self._by_mark.setdefault(window.mark, {})[window.id] = None
        self._name(window.id, window.conversation)
        self._days[window.dies_on] += 1
        self._reserved.pop(window.mark, None)

    def forget(self, window_ids: Iterable[bytes]) -> None:
        """
        Forget windows that go.

        Args:
            window_ids: Their ids.
        """
        for window_id in window_ids:
            window = self._windows.pop(window_id, None)
            if window is None:
                continue
            same = self._by_mark[window.mark]
            del same[window_id]
            if not same:
                del self._by_mark[window.mark]
            self._prune(window.conversation)
            self._days[window.dies_on] -= 1
            if not self._days[window.dies_on]:
                del self._days[window.dies_on]

    def forget_conversation(self, conversation: bytes) -> None:
        """
        Forget all windows of a conversation.

        Args:
            conversation: Its id.
        """
        self.forget(self.ids_of(conversation))

    def forget_reserved(self) -> None:
        """Forget the conversations of which nothing was stored."""
        self._reserved.clear()

    def release(self, conversation: bytes) -> None:
        """
        Let its sender begin a new conversation, if nothing is stored of this one.

        Args:
            conversation: Its id.
        """
        if not self._list_windows(conversation):
            for mark in [mark for mark, one in self._reserved.items() if one == conversation]:
                del self._reserved[mark]

    def find_same(self, conversation: bytes) -> list[bytes]:
        """
        Find the conversations of whoever has this one.

        Args:
            conversation: Its id.

        Returns:
            All that a mark relates to it, itself among them.
        """
        marks = {window.mark for window in self._list_windows(conversation)}
        others = {self._windows[one].conversation for mark in marks for one in self._by_mark[mark]}
        return sorted({conversation, *others})

    def forget_epoch(self, epoch: bytes) -> None:
        """
        Forget the pseudonyms of an epoch.

        Args:
            epoch: Its id.
        """
        for window_id, window in self._windows.items():
            if window.epoch == epoch:
                self._windows[window_id] = dataclasses.replace(window, epoch=None, pseudonym=None)

    def find(
        self,
        *,
        channel: str,
        address: bytes,
        today: datetime.date,
        dies_on: datetime.date,
        draw: Callable[[], bytes],
    ) -> bytes:
        """
        Find the conversation of a sender, or begin one.

        Args:
            channel: The channel's id.
            address: Of the sender.
            today: The day.
            dies_on: The last day of a window that begins today.
            draw: Makes the id of a new conversation.

        Returns:
            The conversation.
        """
        # Of most who write twice the second is on the same day: that of today's windows first.
        today_mark = self.mark(dies_on, channel=channel, address=address)
        if (found := self._find_marked(today_mark)) is not None:
            return found
        for day in self._days:
            if day > today and day != dies_on:
                mark = self.mark(day, channel=channel, address=address)
                if (found := self._find_marked(mark)) is not None:
                    return found
        if today_mark not in self._reserved:
            while len(self._reserved) >= MAX_RESERVED:
                self._reserved.popitem(last=False)
            self._reserved[today_mark] = draw()
        return self._reserved[today_mark]

    def mark(self, day: datetime.date, *, channel: str, address: bytes) -> bytes:
        """
        Mark a sender.

        Args:
            day: On which the mark dies.
            channel: The channel's id.
            address: Of the sender.

        Returns:
            The mark.
        """
        return mark_sender(self._read_key(day), channel=channel, address=address)

    def windows_of(self, conversation: bytes, *, today: datetime.date) -> list[Window]:
        """
        List a conversation's open windows.

        Args:
            conversation: Its id.
            today: The day.

        Returns:
            The windows, the latest last.
        """
        windows = [one for one in self._list_windows(conversation) if one.dies_on > today]
        if len(windows) > 1:
            windows.sort(key=lambda window: window.received_on)
        return windows

    def set_pseudonym(self, conversation: bytes, epoch: bytes, pseudonym: bytes) -> None:
        """
        Take note of a pseudonym.

        Args:
            conversation: Its id.
            epoch: Its id.
            pseudonym: 16 bytes.
        """
        for window in self._list_windows(conversation):
            if window.epoch == epoch:
                self._windows[window.id] = dataclasses.replace(window, pseudonym=pseudonym)

    def set_noticed(self, conversation: bytes, received_on: datetime.date) -> None:
        """
        Take note that a conversation was answered with the notice.

        Args:
            conversation: Its id.
            received_on: The day.
        """
        for window in self._list_windows(conversation):
            if window.received_on == received_on:
                self._windows[window.id] = dataclasses.replace(window, noticed=True)

    def find_conversation(self, window_id: bytes) -> bytes | None:
        """
        Tell whose a window is.

        Args:
            window_id: Its id.

        Returns:
            The conversation; None if it is not known.
        """
        window = self._windows.get(window_id)
        return None if window is None else window.conversation

    def _list_windows(self, conversation: bytes) -> list[Window]:
        return [
            window
            for window_id in self._ids.get(conversation, ())
            if (window := self._windows.get(window_id)) is not None
        ]

    def _find_marked(self, mark: bytes) -> bytes | None:
        same = self._by_mark.get(mark)
        return None if same is None else self._windows[next(reversed(same))].conversation

    def _name(self, window_id: bytes, conversation: bytes) -> None:
        ids = self._ids.get(conversation, ())
        if window_id not in ids:
            self._ids[conversation] = (*ids, window_id)

    def _prune(self, conversation: bytes) -> None:
        # A window that goes is named as long as its conversation has another: its row may be there
        # still, and whoever ends the conversation ends that, too.
        ids = self._ids.get(conversation, ())
        if not any(one in self._windows or one in self._announced for one in ids):
            self._ids.pop(conversation, None)
