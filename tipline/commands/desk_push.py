"""`tipline desk push`: answers, from the desk's networked machine to the service."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from crypto.outgoing import MAX_OUTGOING_BYTES
from tipline.commands.desk_way import reach
from tipline.console import Console
from tipline.desk.keyfiles import read_limited
from tipline.errors import AnswerError

if TYPE_CHECKING:
    from tipline.desk.pulling import Source
    from tipline.desk.pushing import Outcome, PushedItem
    from tipline.language import Translate


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Bring an outgoing bundle to the service.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0 if the service says of every answer that it was taken, or was sent already.

    Raises:
        AnswerError: the service took nothing, or not all, or a gateway refused one.
        OutgoingError: the file is no bundle.
        UsageError: options that do not go together.
        NetworkError: tor gets nowhere, or the service does not answer, or not of every answer.
        FileError: the bundle cannot be read.
    """
    from tipline.desk.pulling import parse_source
    from tipline.desk.pushing import GOOD, Outcome

    _, ngettext = console.translate, console.translate_counted
    source = parse_source(options.url)
    note = read_limited(options.bundle, max_bytes=MAX_OUTGOING_BYTES)
    pushed = asyncio.run(_push(source, note, options, console))
    left = [one for one in pushed if one.outcome not in GOOD]
    if options.json:
        items = [{"id": one.id, "outcome": one.outcome.value} for one in pushed]
        console.print_json({"items": items})
    else:
        for one in pushed:
            console.print(f"{one.id}: {describe_outcome(one.outcome, translate=_)}")
    older = [one for one in left if one.outcome is Outcome.OLDER]
    if older:
        raise AnswerError("answers_older", count=len(older))
    if left:
        raise AnswerError("answers_not_taken", count=len(left))
    console.note(
        ngettext("{count} answer was taken", "{count} answers were taken", len(pushed)).format(
            count=len(pushed)
        )
    )
    return 0


async def _push(
    source: Source, note: bytes, options: argparse.Namespace, console: Console
) -> tuple[PushedItem, ...]:
    from tipline.desk.pushing import push_bundle

    async with reach(source, options, console) as socks:
        return await push_bundle(source, note, socks=socks)


def describe_outcome(outcome: Outcome, *, translate: Translate) -> str:
    """
    Say what became of an answer.

    Args:
        outcome: As the service said.
        translate: Looks a text up in the catalogue.

    Returns:
        Words for a person.
    """
    from tipline.desk.pushing import Outcome

    _ = translate
    return {
        # This machine cannot tell one from the other: what it is lies in the seal.
        Outcome.TAKEN: _(
            "taken; an answer goes as soon as the gateway lets it, a status when that phone asks"
        ),
        Outcome.SENT: _("handed to the gateway; it is not sent again"),
        Outcome.GATEWAY_REFUSED: _("taken before, but the gateway refused it: it was not sent"),
        Outcome.WINDOW_CLOSED: _("not taken: the number is gone, or its owner ended it"),
        Outcome.NOT_READER: _("not taken: this reader does not read that channel today"),
        Outcome.TOO_MANY: _("not taken: too many answers wait for this phone; try tomorrow"),
        Outcome.EXPIRED: _("not taken: it was written too long ago; answer anew, in a new file"),
        Outcome.OLDER: _("not taken: a newer file was brought before this one; write it again"),
        Outcome.REFUSED: _("not taken: it is not in its format, or not sealed to this service"),
    }[outcome]
