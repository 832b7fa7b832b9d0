"""
Serves the log: the newest checkpoint, tiles, entries. The same bytes for everybody who asks.

What is here changes once a day, at a fixed hour, and says nothing of the day's tips: whoever asks
every minute learns no more than who asks once (INV-13).

C2SP tlog-tiles.md; docs/reference/log.md, "Where it is served".
"""

from __future__ import annotations

from typing import Final

from crypto.errors import MalformedError
from retention.log.tiles import parse_tile_path
from tipline.log_store import LogStore
from tipline.service.answers import UNKNOWN, Answer
from tipline.service.pages import IMMUTABLE

LOG_PATH: Final = "/log/"
CHECKPOINT_PATH: Final = "/log/checkpoint"


class LogSide:
    """
    Answers whoever checks the log.

    Args:
        log: What is served.
    """

    def __init__(self, log: LogStore) -> None:
        self._log = log

    def choose(self, path: str) -> Answer:
        """
        Choose the answer to a reading request.

        Args:
            path: Untrusted; begins with `LOG_PATH`.

        Returns:
            The answer.
        """
        if path == CHECKPOINT_PATH:
            note = self._log.read_checkpoint()
            if note is None:
                return UNKNOWN
            return Answer(200, note, headers={"Content-Type": "text/plain; charset=utf-8"})
        try:
            tile = self._log.read_tile(parse_tile_path(path.removeprefix(LOG_PATH)))
        except MalformedError:
            return UNKNOWN
        if tile is None:
            return UNKNOWN
        headers = {"Content-Type": "application/octet-stream", "Cache-Control": IMMUTABLE}
        return Answer(200, tile, headers=headers)
