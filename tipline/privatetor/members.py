"""A private network that runs: its processes, and what others need of it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Final

from tipline.privatetor.node import Node

# What a client would otherwise download first.
WARM_FILES: Final = (
    "cached-certs",
    "cached-microdesc-consensus",
    "cached-microdescs",
    "cached-microdescs.new",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """
    A client of the network.

    Args:
        socks_port: SOCKS5 on 127.0.0.1; names are resolved by tor.
        node: Its process.
    """

    socks_port: int
    node: Node

    @property
    def control_socket(self) -> Path:
        """The unix socket of its control port."""
        return self.node.control_socket


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrivateNetwork:
    """
    A running network.

    Args:
        torrc_lines: What a further tor needs to be in this network and no other.
        authorities: The processes of the authorities.
        clients: At least one.
        seconds: How long each step of the start took, in order.
    """

    torrc_lines: tuple[str, ...]
    authorities: tuple[Node, ...]
    clients: tuple[Client, ...]
    seconds: dict[str, float]

    @property
    def client(self) -> Client:
        """The first client."""
        return self.clients[0]

    @property
    def socks_port(self) -> int:
        """The first client's SOCKS port."""
        return self.client.socks_port

    def warm(self, directory: Path) -> None:
        """
        Give a tor that has not started yet the consensus, so that it need not download it.

        Args:
            directory: Its data directory.
        """
        warm(directory, source=self.authorities[0].directory)


def warm(directory: Path, *, source: Path) -> None:
    """
    Give a tor that has not started yet the consensus of another.

    Args:
        directory: Its data directory.
        source: The other's.
    """
    for name in WARM_FILES:
        if (source / name).exists():
            shutil.copy(source / name, directory / name)
