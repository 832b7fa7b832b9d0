"""
The main job once, unattended, every part real.

1. A private Tor network on loopback; beside it a line with its own tor in that network.
2. The page's own worker, run by node, cleans a file, seals it with a text and the file's untouched
   original, and sends them to the line's onion. A file that it cannot clean goes as it is.
3. The desk's command pulls the bundle from the desk's onion, with its client key.
4. The desk's command opens it in a process without network.
5. What was opened is compared with what was sent, byte for byte; in what the page cleaned, Python's
   own cleaning finds nothing more.
6. The instance's directory is searched for what was sent: it must not hold any of it in clear.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from pathlib import Path
from typing import Final

from crypto.tip import Tip, parse_tip
from tipline.clock import Clock, system_clock
from tipline.demonstration.bridge import open_bridge
from tipline.demonstration.comparing import find_differences
from tipline.demonstration.directory import make_throwaway_directory
from tipline.demonstration.isolation import check_isolation
from tipline.demonstration.keeping import keep
from tipline.demonstration.line import ThrowawayLine, make_line
from tipline.demonstration.opening import find_opened, open_at_desk
from tipline.demonstration.sending import send_tip
from tipline.demonstration.serving import serve_by_command
from tipline.demonstration.timeline import Timeline
from tipline.demonstration.traces import make_needles, search
from tipline.desk.attached import describe_file
from tipline.errors import CheckError
from tipline.language import Translate
from tipline.privatetor.network import PrivateNetwork, run_private_network

PULL_SECONDS: Final = 600


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """
    What is sent.

    Args:
        text: A file with the text, in UTF-8.
        file: The attachment.
    """

    text: Path
    file: Path


def check_way(
    sent: Sent,
    *,
    keep_directory: Path | None,
    timeline: Timeline,
    translate: Translate,
    clock: Clock = system_clock,
) -> None:
    """
    Send a tip all the way and compare.

    Args:
        sent: Files of the caller's.
        keep_directory: Where to leave what an independent age tool can open; empty, or None.
        timeline: Told of each step.
        translate: Looks a text up in the catalogue.
        clock: Tells the day.

    Raises:
        CheckError: what was opened is not what was sent, or a part refused.
        TiplineError: a part could not be started.
    """
    _ = translate
    check_isolation()
    timeline.step("isolation", _("this machine can cut a process off from the network"))
    with (
        run_private_network(
            report=lambda stage: timeline.step(
                "retry", _("the private Tor network stopped at {stage}; again").format(stage=stage)
            )
        ) as network,
        make_throwaway_directory() as directory,
    ):
        timeline.step("network", _("a private Tor network runs on this machine"))
        line = make_line(
            directory, today=clock().date(), translate=_, torrc_lines=network.torrc_lines
        )
        timeline.step("line", _("keys, keyset, configuration and policy are written"))
        asyncio.run(_send_and_pull(sent, line, network=network, timeline=timeline, translate=_))
        opened = open_at_desk(line)
        if len(opened) != 1:
            raise CheckError("check_count", count=len(opened))
        timeline.step("opened", _("opened by the desk, in a process without network"))
        place, tip = compare(sent, line, tip_id=opened[0])
        timeline.step("compared", _("what was opened is what was sent, byte for byte"))
        timeline.tell(describe_file(tip.attachments[0].path, tip, translate=_))
        search_instance(sent, line)
        timeline.step("searched", _("the server's directory holds nothing of it in clear"))
        if keep_directory is not None:
            keep(
                line,
                sent_text=sent.text,
                sent_file=sent.file,
                place=place,
                into=keep_directory,
                translate=_,
            )
            timeline.step("kept", _("left for other tools in {path}").format(path=keep_directory))


async def _send_and_pull(
    sent: Sent,
    line: ThrowawayLine,
    *,
    network: PrivateNetwork,
    timeline: Timeline,
    translate: Translate,
) -> None:
    _ = translate
    async with serve_by_command(line) as served:
        timeline.step("service", _("the service runs with a tor of its own, and is found at:"))
        timeline.tell(served.source)
        async with open_bridge(onion=served.source, socks_port=network.socks_port) as port:
            await send_tip(port=port, root=line.root, text=sent.text, files=(sent.file,))
        timeline.step("sent", _("sealed by the page's worker, sent to the onion, arrived"))
        await pull(line, onion=served.desk, network=network)
        timeline.step("pulled", _("pulled by the desk from its own onion, with its client key"))


async def pull(line: ThrowawayLine, *, onion: str, network: PrivateNetwork) -> None:
    """
    Pull the bundle with the desk's command.

    Args:
        line: Whose bundle it is.
        onion: The desk's address.
        network: The private network; its client is the desk's tor.

    Raises:
        CheckError: the command failed.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "tipline"),
        *("desk", "pull", f"http://{onion}"),
        *("--out", str(line.bundle)),
        *("--root", line.root),
        *("--client-key", str(line.client_key)),
        *("--tor-control", str(network.client.control_socket)),
        *("--socks", f"127.0.0.1:{network.socks_port}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PULL_SECONDS):
            _out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise CheckError("check_desk", reason=err.decode("utf-8", errors="replace").strip())


def compare(sent: Sent, line: ThrowawayLine, *, tip_id: str) -> tuple[Path, Tip]:
    """
    Compare what the desk opened with what was sent.

    Args:
        sent: Files of the caller's.
        line: Its desk opened the tip.
        tip_id: Which.

    Returns:
        The directory of the tip's files, and what the tip says.

    Raises:
        CheckError: something differs.
    """
    tip, place = find_opened(line, tip_id)
    text = sent.text.read_bytes()
    differing = [
        name
        for name, is_same in (
            ("text.txt", (place / "text.txt").read_bytes() == text),
            ("tip.json", tip["text"].encode() == text),
        )
        if not is_same
    ]
    differing += find_differences(sent.file, tip["attachments"][0], place=place)
    if differing:
        raise CheckError(detail=", ".join(differing))
    return place, parse_tip((place / "tip.json").read_bytes())


def search_instance(sent: Sent, line: ThrowawayLine) -> None:
    """
    Search what stood on the server for what was sent.

    Args:
        sent: Files of the caller's.
        line: Whose instance is searched, file by file and name by name; with it what the service
            said, and where its temporary files would be.

    Raises:
        CheckError: something of it is there in clear.
    """
    needles = [
        *make_needles("text", sent.text.read_bytes()),
        *make_needles("file", sent.file.read_bytes()),
        *make_needles("name", sent.file.name.encode()),
    ]
    places = {
        f"{trace.of}: {trace.path.relative_to(line.directory)}"
        for directory in line.server_directories
        for trace in search(directory, needles)
    }
    if places:
        raise CheckError("check_traces", places=", ".join(sorted(places)))
