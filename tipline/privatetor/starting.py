"""
One attempt to start a private network, step by step, each with its own limit.

1. keys of every authority
2. every authority runs, and knows every relay's descriptor
3. the vote is brought forward: a consensus that lists every relay
4. the clients start with that consensus and bootstrap
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tipline.errors import NetworkError
from tipline.privatetor import torrc
from tipline.privatetor.keys import make_authority_keys
from tipline.privatetor.members import Client, PrivateNetwork, warm
from tipline.privatetor.node import Node

# Three never let a client connect to an onion, four are the fewest, five leave slack for paths.
AUTHORITY_COUNT: Final = 5
DESCRIPTORS_SECONDS: Final = 30
# A vote round takes both delays; the rest is rounding to whole seconds and a slow machine.
CONSENSUS_SECONDS: Final = torrc.VOTE_DELAY_SECONDS + torrc.DISTRIBUTION_DELAY_SECONDS + 6
VOTE_LIMIT: Final = 4
# A client that misses its moment backs off; starting it anew is quicker than waiting for it. Each
# try is given longer: on a machine that is busy, the first limit may be too short for any client.
CLIENT_SECONDS: Final = (8, 16, 32)
POLL_SECONDS: Final = 0.05


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


class Start:
    """
    One attempt.

    Args:
        directory: Short, because a unix socket's path has at most 107 bytes.
        tor: Path of the program.
        tor_gencert: Path of the program.
        client_count: At least 1.
    """

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
        """
        Take every step.

        Returns:
            The network, bootstrapped.

        Raises:
            NetworkError: the step that failed is its `stage`; the logs' ends are its notes.
        """
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
        """End every process that was started, by its own id."""
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
                warm(node.directory, source=self._authorities[0].directory)
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
