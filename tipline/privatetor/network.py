"""
The private network as a whole: started in about nine seconds, ended without a trace.

Steps of a start, each with its own limit:

1. keys of every authority
2. every authority runs, and knows every relay's descriptor
3. the vote is brought forward: a consensus that lists every relay
4. the clients start with that consensus and bootstrap
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import re
import shutil
import socket
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tipline.errors import NetworkError
from tipline.privatetor import torrc
from tipline.privatetor.keys import make_authority_keys
from tipline.privatetor.node import Node

# Three never let a client connect to an onion, four are the fewest, five leave slack for paths.
AUTHORITY_COUNT: Final = 5
# Ports are found free and then bound: another program can come between, so it is tried again.
ATTEMPT_LIMIT: Final = 3
DESCRIPTORS_SECONDS: Final = 30
# A vote round takes both delays; the rest is rounding to whole seconds and a slow machine.
CONSENSUS_SECONDS: Final = torrc.VOTE_DELAY_SECONDS + torrc.DISTRIBUTION_DELAY_SECONDS + 6
VOTE_LIMIT: Final = 4
# A client that misses its moment backs off; starting it anew is quicker than waiting for it. Each
# try is given longer: on a machine that is busy, the first limit may be too short for any client.
CLIENT_SECONDS: Final = (8, 16, 32)
POLL_SECONDS: Final = 0.05
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
        _warm(directory, source=self.authorities[0].directory)


@contextlib.contextmanager
def run_private_network(
    *, client_count: int = 1, report: Callable[[str], None] = lambda _: None
) -> Iterator[PrivateNetwork]:
    """
    Run a private network while the block runs.

    Args:
        client_count: At least 1.
        report: Told of each attempt that failed, with the step that it failed at.

    Yields:
        The network, bootstrapped.

    Raises:
        NetworkError: tor is missing, or the network did not start after some attempts.
    """
    tor, tor_gencert = find_program("tor"), find_program("tor-gencert")
    for attempt in range(1, ATTEMPT_LIMIT + 1):
        with contextlib.ExitStack() as stack:
            # Short, because a unix socket's path has at most 107 bytes.
            directory = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="tn-", ignore_cleanup_errors=True)
                )
            )
            start = _Start(directory, tor=tor, tor_gencert=tor_gencert, client_count=client_count)
            stack.callback(start.end)
            try:
                network = start.run()
            except NetworkError as error:
                if attempt == ATTEMPT_LIMIT:
                    raise
                report(str(error.facts["stage"]))
                continue
            yield network
            return


def find_program(name: str) -> str:
    """
    Find a program on the search path.

    Args:
        name: Of the program.

    Returns:
        Its path.

    Raises:
        NetworkError: it is not there.
    """
    path = shutil.which(name)
    if path is None:
        raise NetworkError("program_missing", program=name)
    return path


def find_free_ports(count: int) -> list[int]:
    """
    Find TCP ports on 127.0.0.1 that nobody uses now.

    Args:
        count: How many.

    Returns:
        Distinct ports: all are held open together while they are chosen.
    """
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            held = stack.enter_context(socket.socket())
            held.bind(("127.0.0.1", 0))
            ports.append(int(held.getsockname()[1]))
        return ports


class _Start:
    """One attempt."""

    def __init__(self, directory: Path, *, tor: str, tor_gencert: str, client_count: int) -> None:
        self._began_at = time.monotonic()
        self._tor = tor
        self._tor_gencert = tor_gencert
        self._seconds: dict[str, float] = {}
        self._authorities = [
            Node(f"authority{number}", directory=directory / f"authority{number}", tor=tor)
            for number in range(AUTHORITY_COUNT)
        ]
        self._clients = [
            Node(f"client{number}", directory=directory / f"client{number}", tor=tor)
            for number in range(client_count)
        ]
        ports = find_free_ports(2 * AUTHORITY_COUNT + client_count)
        self._or_ports = ports[:AUTHORITY_COUNT]
        self._directory_ports = ports[AUTHORITY_COUNT : 2 * AUTHORITY_COUNT]
        self._socks_ports = ports[2 * AUTHORITY_COUNT :]

    def run(self) -> PrivateNetwork:
        lines = torrc.network_lines(self._make_keys())
        self._start_authorities(lines)
        self._vote()
        self._start_clients(lines)
        return PrivateNetwork(
            torrc_lines=lines,
            authorities=tuple(self._authorities),
            clients=tuple(
                Client(socks_port=port, node=node)
                for port, node in zip(self._socks_ports, self._clients, strict=True)
            ),
            seconds=self._seconds,
        )

    def end(self) -> None:
        for node in (*self._clients, *self._authorities):
            node.end()

    def _make_keys(self) -> list[torrc.Authority]:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            keys = pool.map(
                lambda node: make_authority_keys(
                    node.nickname,
                    directory=node.directory,
                    tor=self._tor,
                    tor_gencert=self._tor_gencert,
                ),
                self._authorities,
            )
            authorities = [
                torrc.Authority(
                    nickname=node.nickname,
                    or_port=or_port,
                    directory_port=directory_port,
                    voting_identity=key.voting_identity,
                    fingerprint=key.fingerprint,
                )
                for node, or_port, directory_port, key in zip(
                    self._authorities, self._or_ports, self._directory_ports, keys, strict=True
                )
            ]
        self._mark("keys")
        return authorities

    def _start_authorities(self, lines: tuple[str, ...]) -> None:
        for node, or_port, directory_port in zip(
            self._authorities, self._or_ports, self._directory_ports, strict=True
        ):
            node.start(
                (
                    *lines,
                    *torrc.process_lines(
                        node.nickname, directory=node.directory, owner_pid=os.getpid()
                    ),
                    *torrc.authority_lines(
                        or_port=or_port, directory_port=directory_port, now_seconds=time.time()
                    ),
                )
            )
        if not self._wait(self._all_described, limit_seconds=DESCRIPTORS_SECONDS):
            raise self._failure("descriptors")
        self._mark("descriptors")

    def _all_described(self) -> bool:
        return all(
            (node.ask("GETINFO desc/all-recent") or "").count("\nrouter-signature")
            >= AUTHORITY_COUNT
            for node in self._authorities
        )

    def _vote(self) -> None:
        for _ in range(VOTE_LIMIT):
            offset = torrc.voting_offset(
                now_seconds=time.time(),
                delay_seconds=torrc.VOTE_DELAY_SECONDS + torrc.DISTRIBUTION_DELAY_SECONDS + 1,
            )
            for node in self._authorities:
                reply = node.ask(f"SETCONF TestingV3AuthVotingStartOffset={offset}")
                if reply is None or not reply.startswith("250"):
                    raise self._failure("vote")
            if self._wait(
                lambda: self._consensus_size_len() is not None, limit_seconds=CONSENSUS_SECONDS
            ):
                break
        if self._consensus_size_len() != AUTHORITY_COUNT:
            raise self._failure("consensus")
        self._mark("consensus")

    def _consensus_size_len(self) -> int | None:
        """Count the relays in the smallest consensus; None until every authority has one."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        counts = []
        for port in self._directory_ports:
            address = f"http://127.0.0.1:{port}/tor/status-vote/current/consensus-microdesc"
            try:
                with opener.open(address, timeout=3) as answer:
                    counts.append(len(re.findall(rb"^r ", answer.read(), re.MULTILINE)))
            except OSError:
                return None
        return min(counts)

    def _start_clients(self, lines: tuple[str, ...]) -> None:
        for limit_seconds in CLIENT_SECONDS:
            for node, socks_port in zip(self._clients, self._socks_ports, strict=True):
                if _is_ready(node):
                    continue
                # Anew means without the guards that it found unreachable a moment ago.
                node.reset()
                _warm(node.directory, source=self._authorities[0].directory)
                node.start(
                    (
                        *lines,
                        *torrc.process_lines(
                            node.nickname, directory=node.directory, owner_pid=os.getpid()
                        ),
                        *torrc.client_lines(socks_port=socks_port),
                    )
                )
            if self._wait(lambda: all(map(_is_ready, self._clients)), limit_seconds=limit_seconds):
                self._mark("clients")
                return
        raise self._failure("clients")

    def _wait(self, test: Callable[[], bool], *, limit_seconds: float) -> bool:
        ends_at = time.monotonic() + limit_seconds
        while not test():
            for node in (*self._authorities, *self._clients):
                if node.has_ended:
                    raise self._failure(node.nickname)
            if time.monotonic() > ends_at:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _failure(self, stage: str) -> NetworkError:
        error = NetworkError("private_network", stage=stage)
        for node in (*self._authorities, *self._clients):
            error.add_note(f"{node.nickname}: {node.read_log_tail()}")
        return error

    def _mark(self, step: str) -> None:
        self._seconds[step] = round(time.monotonic() - self._began_at, 2)


def _is_ready(node: Node) -> bool:
    return "PROGRESS=100" in (node.ask("GETINFO status/bootstrap-phase") or "")


def _warm(directory: Path, *, source: Path) -> None:
    for name in WARM_FILES:
        if (source / name).exists():
            shutil.copy(source / name, directory / name)
