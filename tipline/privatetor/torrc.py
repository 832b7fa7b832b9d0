"""
The configurations of the private network's processes, as lines of text.

Pure: the same arguments give the same lines. A process never reads another configuration beside
these (see `node`), so that a machine's own tor cannot leak in.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# Votes are held at multiples of this interval (it must divide a day). Long, because in a testing
# network an onion's time period is 24 intervals, and a request just after its turn can fail.
VOTING_INTERVAL_SECONDS: Final = 300
# tor's floor for both.
VOTE_DELAY_SECONDS: Final = 2
DISTRIBUTION_DELAY_SECONDS: Final = 2
# 36 intervals are three hours: longer than any test run.
VALID_INTERVALS: Final = 36
# How far off the first vote is parked until every authority knows every relay.
PARKED_SECONDS: Final = VOTING_INTERVAL_SECONDS - 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """
    What the others must know of one directory authority.

    Args:
        nickname: Letters and digits.
        or_port: Where relays and clients connect, on 127.0.0.1.
        directory_port: Where votes and the consensus are served, on 127.0.0.1.
        voting_identity: Fingerprint of its voting key, 40 hex digits.
        fingerprint: Of its relay key, 40 hex digits.
    """

    nickname: str
    or_port: int
    directory_port: int
    voting_identity: str
    fingerprint: str

    def format(self) -> str:
        """
        Name this authority to another tor.

        Returns:
            One line of a torrc.
        """
        return (
            f"DirAuthority {self.nickname} orport={self.or_port} no-v2"
            f" v3ident={self.voting_identity} 127.0.0.1:{self.directory_port} {self.fingerprint}"
        )


def network_lines(authorities: Sequence[Authority]) -> tuple[str, ...]:
    """
    Make the lines that put any tor into the private network and nowhere else.

    Args:
        authorities: All of them.

    Returns:
        Lines of a torrc. The service's own tor takes them as its extra lines.
    """
    return (
        "TestingTorNetwork 1",
        "PathsNeededToBuildCircuits 0.25",
        "AddressDisableIPv6 1",
        "ClientUseIPv6 0",
        # With the usual scheduler a round trip over loopback takes 16 ms instead of under 1 ms.
        "Schedulers Vanilla",
        *(authority.format() for authority in authorities),
    )


def process_lines(nickname: str, *, directory: Path, owner_pid: int) -> tuple[str, ...]:
    """
    Make the lines that every process of the network shares.

    Args:
        nickname: Of this process.
        directory: Its own directory.
        owner_pid: The process with which it dies. tor looks every 15 seconds.

    Returns:
        Lines of a torrc.
    """
    return (
        f"Nickname {nickname}",
        f"DataDirectory {directory}",
        f"ControlSocket {directory / 'control'}",
        "CookieAuthentication 1",
        f"Log notice file {directory / 'notice.log'}",
        "ShutdownWaitLength 0",
        f"__OwningControllerProcess {owner_pid}",
    )


def authority_lines(*, or_port: int, directory_port: int, now_seconds: float) -> tuple[str, ...]:
    """
    Make the lines of a directory authority, its first vote parked.

    Args:
        or_port: Free, on 127.0.0.1.
        directory_port: Free, on 127.0.0.1.
        now_seconds: Of the wall clock, since 1970.

    Returns:
        Lines of a torrc.
    """
    parked = voting_offset(now_seconds=now_seconds, delay_seconds=PARKED_SECONDS)
    return (
        "Address 127.0.0.1",
        f"ORPort 127.0.0.1:{or_port} IPv4Only",
        f"DirPort 127.0.0.1:{directory_port} IPv4Only",
        "SocksPort 0",
        "AssumeReachable 1",
        "ExitRelay 0",
        "ExitPolicy reject *:*",
        "ContactInfo nobody@localhost.invalid",
        "AuthoritativeDirectory 1",
        "V3AuthoritativeDirectory 1",
        f"TestingV3AuthInitialVotingInterval {VOTING_INTERVAL_SECONDS}",
        f"TestingV3AuthInitialVoteDelay {VOTE_DELAY_SECONDS}",
        f"TestingV3AuthInitialDistDelay {DISTRIBUTION_DELAY_SECONDS}",
        f"TestingV3AuthVotingStartOffset {parked}",
        f"V3AuthVotingInterval {VOTING_INTERVAL_SECONDS}",
        f"V3AuthVoteDelay {VOTE_DELAY_SECONDS}",
        f"V3AuthDistDelay {DISTRIBUTION_DELAY_SECONDS}",
        f"V3AuthNIntervalsValid {VALID_INTERVALS}",
        "TestingDirAuthVoteExit *",
        "TestingDirAuthVoteGuard *",
        "TestingDirAuthVoteHSDir *",
        "TestingMinExitFlagThreshold 0",
        "AuthDirMaxServersPerAddr 0",
        # tor's congestion control settles on a tiny window where a round trip is under a
        # millisecond: 1 MB/s without this line, 15 to 20 with it. tor caps the minimum at 1000.
        "ConsensusParams cc_cwnd_min=1000 cc_cwnd_init=1000 cc_ss_max=10000",
    )


def client_lines(*, socks_port: int) -> tuple[str, ...]:
    """
    Make the lines of a client.

    Args:
        socks_port: Free, on 127.0.0.1.

    Returns:
        Lines of a torrc.
    """
    return (f"SocksPort 127.0.0.1:{socks_port}", "ClientOnly 1")


def voting_offset(*, now_seconds: float, delay_seconds: float) -> int:
    """
    Compute the offset with which the next consensus becomes valid that many seconds from now.

    Args:
        now_seconds: Of the wall clock, since 1970.
        delay_seconds: From now.

    Returns:
        Seconds after a multiple of the interval. The schedule begins anew at each midnight UTC,
        which is a multiple of the interval too.
    """
    return math.floor(now_seconds + delay_seconds + 0.5) % VOTING_INTERVAL_SECONDS
