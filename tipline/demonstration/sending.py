"""Send a tip with the worker that the page ships, run by node instead of a browser."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any, Final

from tipline.demonstration.line import CHANNEL
from tipline.errors import CheckError, InstanceError, NetworkError
from tipline.service.pages import STATIC_DIRECTORY

DRIVER: Final = Path(__file__).parent.parent / "page" / "node-driver.mjs"
# A slow machine over a private network: everything takes part of it, and it has to end some time.
PATIENCE_SECONDS: Final = 300
SLOWEST_BYTES_PER_SECOND: Final = 256 * 1024


def find_worker(static_directory: Path = STATIC_DIRECTORY) -> Path:
    """
    Find the worker's bundle as it is shipped.

    Args:
        static_directory: Where the page was built to.

    Returns:
        The file that a browser loads.

    Raises:
        InstanceError: the page is not built.
    """
    try:
        build = json.loads((static_directory / "build.json").read_bytes())
    except FileNotFoundError as exc:
        raise InstanceError("page_not_built") from exc
    return static_directory / str(build["files"]["worker.js"]["name"])


async def send_tip(*, port: int, root: str, text: Path, files: tuple[Path, ...]) -> None:
    """
    Seal and send a tip, its files cleaned and beside them their untouched originals.

    A file that the worker cannot clean goes as it is.

    Args:
        port: On 127.0.0.1; leads to the source's side of a line.
        root: The desk root's verifier key.
        text: A file with the tip's text.
        files: Its attachments.

    Raises:
        NetworkError: node is missing.
        CheckError: the worker did not say "arrived".
    """
    node = shutil.which("node")
    if node is None:
        raise NetworkError("program_missing", program="node")
    process = await asyncio.create_subprocess_exec(
        node,
        str(DRIVER),
        *("--worker", str(find_worker())),
        *("--base-url", f"http://127.0.0.1:{port}/"),
        *("--root", root),
        *("--channel", CHANNEL),
        *("--text", str(text)),
        *(word for file in files for word in ("--file", str(file))),
        "--original",
        "--uncleaned",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    size_bytes = sum(path.stat().st_size for path in (text, *files))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS + size_bytes / SLOWEST_BYTES_PER_SECOND):
            out, err = await process.communicate()
    except TimeoutError as exc:
        raise CheckError("check_sending", reason="timeout") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise CheckError("check_sending", reason=_explain(out, err))


def _explain(out: bytes, err: bytes) -> str:
    if not out:
        # Not the worker but node itself: its last line is the error.
        return (err.decode("utf-8", errors="replace").strip().splitlines() or ["node"])[-1]
    message: dict[str, Any] = json.loads(out)
    return " ".join(str(value) for value in message.values())
