"""A throwaway line served by the real command in its own process, for benchmarks."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crypto.envelope import seal_tip
from crypto.keyset import choose_recipients
from crypto.tip import Tip
from tipline.configuration import load_configuration
from tipline.demonstration.line import CHANNEL, make_line
from tipline.keysets import read_keyset

TODAY = datetime.datetime.now(datetime.UTC).date()


@contextlib.contextmanager
def serve_line(parent: Path | None = None) -> Iterator[Path]:
    """
    Serve a throwaway line while the block runs.

    Args:
        parent: Where it is made; the disk under it is the one that is measured.

    Yields:
        The instance's directory.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        line = make_line(Path(name), today=TODAY, translate=lambda text: text)
        command = [sys.executable, "-m", "tipline", "serve", str(line.instance), "--no-tor"]
        process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            yield line.instance
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def seal_text(instance: Path) -> bytes:
    """
    Seal a tip of text alone.

    Args:
        instance: Whose keyset is used.

    Returns:
        64 KiB.
    """
    configuration = load_configuration(instance)
    keyset = read_keyset(instance, root=configuration.root, minimum=1).keyset
    sealed = io.BytesIO()
    recipients = choose_recipients(keyset, channel=CHANNEL, today=TODAY)
    seal_tip(sealed, tip=Tip(text="x" * 1000), recipients=recipients)
    return sealed.getvalue()


def describe(seconds: list[float]) -> str:
    """
    Say how long things took.

    Args:
        seconds: One for each.

    Returns:
        Median, 99th percentile and worst, in milliseconds.
    """
    ranked = sorted(seconds)
    p50, p99 = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]
    return f"p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms, worst {ranked[-1] * 1000:.1f} ms"
