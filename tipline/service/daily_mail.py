"""
Sends the daily mail at its hour.

Rules:
1. Once a day, at the hour, whatever happened. A line that was not running at that hour sends none.
2. What failed is told to the operator and not tried again that day.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tipline.clock import Clock
from tipline.configuration import MailSettings
from tipline.errors import TiplineError
from tipline.language import make_translations
from tipline.mail import SendMail, compose_mail, send_mail

ONE_DAY: Final = datetime.timedelta(days=1)
# A machine that slept through the hour sends none: a mail at another time would tell something.
LATEST: Final = datetime.timedelta(minutes=5)

Sleep = Callable[[float], Awaitable[None]]


async def run_mail(
    settings: MailSettings,
    *,
    directory: Path,
    clock: Clock,
    report: Callable[[TiplineError], None],
    sleep: Sleep = asyncio.sleep,
    send: SendMail = send_mail,
) -> None:
    """
    Send a mail every day, until cancelled; none if it is switched off.

    Args:
        settings: Of the mail.
        directory: The instance.
        clock: Tells the hour.
        report: Told what failed.
        sleep: Waits.
        send: Hands a mail to the server; runs in a thread.
    """
    if not settings.enabled:
        return
    translate = make_translations(settings.language).gettext
    due = find_next(clock(), hour=settings.hour)
    while True:
        now = clock()
        if now < due:
            # To the minute: the clock may be set meanwhile.
            await sleep(min((due - now).total_seconds(), 60.0 - now.second))
            continue
        if now - due < LATEST:
            message = compose_mail(settings, on=due.date(), translate=translate)
            try:
                await asyncio.to_thread(send, settings, message, directory)
            except TiplineError as exc:
                report(exc)
        due = find_next(now, hour=settings.hour)


def find_next(now: datetime.datetime, *, hour: int) -> datetime.datetime:
    """
    Find the next time at which the hour begins.

    Args:
        now: In UTC.
        hour: In UTC.

    Returns:
        A moment after *now*.
    """
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + ONE_DAY
