"""The private network's configurations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline.privatetor import torrc

AUTHORITIES = tuple(
    torrc.Authority(
        nickname=f"authority{number}",
        or_port=5000 + number,
        directory_port=7000 + number,
        voting_identity="A" * 40,
        fingerprint="B" * 40,
    )
    for number in range(5)
)


@given(now_seconds=st.floats(min_value=0, max_value=4e9), delay_seconds=st.integers(0, 3600))
def test_voting_offset_at_any_time_names_the_second_wanted(
    now_seconds: float, delay_seconds: int
) -> None:
    """A multiple of the interval plus the offset is the moment wanted, to the second."""
    offset = torrc.voting_offset(now_seconds=now_seconds, delay_seconds=delay_seconds)
    wanted_seconds = now_seconds + delay_seconds
    lag = (wanted_seconds - offset) % torrc.VOTING_INTERVAL_SECONDS
    assert 0 <= offset < torrc.VOTING_INTERVAL_SECONDS
    assert min(lag, torrc.VOTING_INTERVAL_SECONDS - lag) <= 0.5 + 1e-6


def test_voting_interval_divides_a_day() -> None:
    """tor begins its schedule anew at midnight: an interval that does not fit breaks there."""
    assert 24 * 3600 % torrc.VOTING_INTERVAL_SECONDS == 0


def test_network_lines_name_every_authority() -> None:
    """A tor with these lines knows every authority, and so needs none of the live network's."""
    named = [line for line in torrc.network_lines(AUTHORITIES) if line.startswith("DirAuthority ")]
    assert named == [authority.format() for authority in AUTHORITIES]


@pytest.mark.parametrize(
    "lines",
    [
        torrc.network_lines(AUTHORITIES),
        torrc.authority_lines(or_port=5000, directory_port=7000, now_seconds=0.0),
        torrc.client_lines(socks_port=9000),
        torrc.process_lines("client0", directory=Path("/tmp/x"), owner_pid=1),
    ],
    ids=["network", "authority", "client", "process"],
)
def test_lines_when_they_hold_an_address_it_is_loopback(lines: tuple[str, ...]) -> None:
    """No line lets a process of the private network listen or connect beyond this machine."""
    addresses = re.findall(r"\d+\.\d+\.\d+\.\d+", " ".join(lines))
    assert set(addresses) <= {"127.0.0.1"}
    for line in lines:
        if re.match(r"(OR|Dir|Socks)Port ", line) and line != "SocksPort 0":
            assert line.split()[1].startswith("127.0.0.1:")


def test_process_lines_name_the_owner() -> None:
    """A process of the private network dies with the one that started it."""
    lines = torrc.process_lines("client0", directory=Path("/tmp/x"), owner_pid=4242)
    assert "__OwningControllerProcess 4242" in lines
