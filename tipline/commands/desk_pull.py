"""`tipline desk pull`: on the desk's networked machine."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crypto.note import Verifier
from tipline.clock import system_clock
from tipline.commands.desk_way import reach
from tipline.console import Console
from tipline.desk.keyfiles import parse_root_key
from tipline.desk.memory import choose_root, remember_index
from tipline.errors import BrokenTipsError, NetworkError, UsageError

if TYPE_CHECKING:
    from crypto.bundle import Index, IndexEntry
    from tipline.desk.pulling import PulledBundle, Source

_MIB: Final = 1 << 20
_PROGRESS_STEP_BYTES: Final = 16 * _MIB  # a line now and then, not one for each slice


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Pull a bundle.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        UsageError: options that do not go together.
        NetworkError: tor gets nowhere, or the service does not answer.
        BundleError: the bundle was cut or does not follow its format.
        BrokenTipsError: the bundle is there, but some of its tips are broken.
        CryptoError: the bundle's keyset or signature must not be trusted.
        VaultError: another root is remembered, or the memory cannot be used.
        FileError: the file exists already, or cannot be written.
    """
    from tipline.desk.pulling import parse_source

    _, ngettext = console.translate, console.translate_counted
    root = _choose_root(options, console)
    after = None if options.after is None else _read_last(options.after, root)
    source = parse_source(options.url, texts_only=options.texts, after=after)
    pulled, acknowledged = asyncio.run(_pull(source, root, options, console))
    if options.json:
        console.print_json(
            {
                "file": str(options.out),
                "made_on": pulled.index.made_on.isoformat(),
                "keyset": pulled.index.keyset.number,
                "size_bytes": pulled.size_bytes,
                "tips": len(pulled.index.tips),
                "texts_only": options.texts,
                "full": pulled.is_full,
                "acknowledged": acknowledged,
                "broken": list(pulled.broken),
            }
        )
    else:
        console.print(
            ngettext(
                "{count} tip, {size} MiB: {file}",
                "{count} tips, {size} MiB: {file}",
                len(pulled.index.tips),
            ).format(count=len(pulled.index.tips), size=pulled.size_bytes // _MIB, file=options.out)
        )
    if acknowledged is None and not options.no_acknowledge:
        console.say(
            _(
                "the service could not be told which tips are here: they keep their former last"
                " day there; the next pull tells it"
            )
        )
    if options.texts:
        console.say(
            _("only texts: for what is larger, pull again without --texts, into another file")
        )
    if pulled.is_full:
        console.say(
            _("this bundle is full: pull the rest into another file, with --after {file}").format(
                file=options.out
            )
        )
    if pulled.index.made_on != system_clock().date():
        # A service that answers with an old bundle withholds what came since.
        console.say(
            _("the service dated this bundle {day}, not today: ask the operator why").format(
                day=pulled.index.made_on
            )
        )
    for tip_id in pulled.broken:
        console.say(_("tip {id}: broken on the way or at the service").format(id=tip_id))
    if pulled.broken:
        raise BrokenTipsError(count=len(pulled.broken))
    return 0


def _choose_root(options: argparse.Namespace, console: Console) -> Verifier:
    _ = console.translate
    given = None if options.root is None else parse_root_key(options.root)
    if options.memory is not None:
        return choose_root(options.memory, given=given)
    if given is None:
        raise UsageError("pull_root")
    console.note(_("without --memory DIR an older keyset is not noticed here"))
    return given


def _read_last(path: Path, root: Verifier) -> IndexEntry | None:
    from tipline.desk.bundlefile import read_index

    with path.open("rb") as file:
        tips = read_index(file, root=root).tips
    return tips[-1] if tips else None


async def _pull(
    source: Source, root: Verifier, options: argparse.Namespace, console: Console
) -> tuple[PulledBundle, int | None]:
    from tipline.desk.pulling import acknowledge, pull_bundle

    def judge(index: Index) -> None:
        if options.memory is not None:
            remember_index(options.memory, index, root=root, today=system_clock().date())

    async with reach(source, options, console) as socks:
        pulled = await pull_bundle(
            source,
            out=options.out,
            root=root,
            socks=socks,
            on_progress=_make_progress(console),
            judge=judge,
        )
        if options.no_acknowledge:
            return pulled, None
        try:
            return pulled, await acknowledge(source, pulled, socks=socks)
        except NetworkError:
            # The bundle is whole and on disk: this fails nothing but is said.
            return pulled, None


def _make_progress(console: Console) -> Callable[[int], None]:
    _ = console.translate
    told = 0

    def tell(size_bytes: int) -> None:
        nonlocal told
        if size_bytes - told >= _PROGRESS_STEP_BYTES:
            told = size_bytes
            console.note(_("{size} MiB so far").format(size=size_bytes // _MIB))

    return tell
