"""
`/notice`: that the line is going to end, or has ended. One length, whatever it says.

docs/reference/accountability.md, "Notice".
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from tipline.closing import CLOSING_NAME, Closing, format_notice, load_closing
from tipline.service.answers import Answer

NOTICE_PATH: Final = "/notice"


class ClosingWatch:
    """
    The end of a line as a running service sees it: an announcement is found without a restart.

    Args:
        directory: The instance.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stamp: tuple[int, int, int] | None = None
        self._closing: Closing | None = None

    def read(self) -> Closing | None:
        """
        Tell how far the end has come, read again if its file changed.

        Returns:
            None as long as no end was announced.

        Raises:
            InstanceError: `closing_damaged`.
        """
        stamp = None
        with contextlib.suppress(FileNotFoundError):
            status = (self._directory / CLOSING_NAME).stat()
            stamp = (status.st_ino, status.st_ctime_ns, status.st_size)
        if stamp != self._stamp:
            self._closing = load_closing(self._directory)
            self._stamp = stamp
        return self._closing


def make_notice_chooser(
    directory: Path, *, today: Callable[[], datetime.date]
) -> Callable[[web.BaseRequest], Answer]:
    """
    Prepare the answers of `/notice`.

    Args:
        directory: The instance.
        today: Tells the day by which tips are taken: nobody is shown a form whose tip is refused.

    Returns:
        A function from a request to its answer.
    """
    watch = ClosingWatch(directory)

    def choose(request: web.BaseRequest) -> Answer:
        closing = watch.read()
        return make_notice_answer(None if closing is None else closing.as_of(today()))

    return choose


def make_notice_answer(closing: Closing | None) -> Answer:
    """
    Make what `/notice` answers.

    Args:
        closing: None as long as no end was announced.

    Returns:
        The answer.
    """
    return Answer(200, format_notice(closing), headers={"Content-Type": "application/json"})
