"""One private Tor network for all tests here, and a line in it for each."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tipline.demonstration.line import ThrowawayLine, make_line
from tipline.privatetor.network import PrivateNetwork, run_private_network

ROOT_DIRECTORY = Path(__file__).parents[2]

MakeThrowawayLine = Callable[..., ThrowawayLine]


@pytest.fixture(scope="session", autouse=True)
def _built_page() -> None:
    """The page and the catalogue, from today's sources."""
    subprocess.run(["node", ROOT_DIRECTORY / "tipline/page/build.mjs"], check=True, timeout=120)
    compiling = [sys.executable, ROOT_DIRECTORY / "script/catalogue.py", "compile"]
    subprocess.run(compiling, check=True, timeout=120)


@pytest.fixture(scope="session")
def private_network() -> Iterator[PrivateNetwork]:
    """A private Tor network, started once: it takes about ten seconds."""
    with run_private_network() as network:
        yield network


@pytest.fixture
def make_onion_line(private_network: PrivateNetwork) -> Iterator[MakeThrowawayLine]:
    """Make a line whose tor knows the private network alone; its directory's path is short."""
    directory = Path(tempfile.mkdtemp(prefix="tl-"))

    def make(**settings: object) -> ThrowawayLine:
        return make_line(
            directory,
            today=datetime.datetime.now(datetime.UTC).date(),
            translate=lambda text: text,
            torrc_lines=private_network.torrc_lines,
            settings={key.replace("__", "."): value for key, value in settings.items()},
        )

    yield make
    shutil.rmtree(directory)
