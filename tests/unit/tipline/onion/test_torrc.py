"""The words that a dedicated tor is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tipline.errors import InstanceError
from tipline.onion.control import Bootstrap, parse_bootstrap, parse_version
from tipline.onion.torrc import format_desk_service, format_path, format_torrc


def test_torrc_when_written_then_it_logs_nothing_and_opens_no_port() -> None:
    """No log, no SOCKS port, no other owner, and the extra lines at the end."""
    lines = format_torrc(
        directory=Path("/srv/line/tor"), owner_pid=41, extra_lines=("TestingTorNetwork 1",)
    ).splitlines()
    assert "SocksPort 0" in lines
    assert "__OwningControllerProcess 41" in lines
    assert "DataDirectory /srv/line/tor/data" in lines
    assert lines[-1] == "TestingTorNetwork 1"
    assert not [line for line in lines if line.startswith(("Log", "ORPort", "ControlPort"))]


@pytest.mark.parametrize("path", ["/srv/my line", '/srv/"x"', "/srv/a\nSocksPort 9050", "/srv/#x"])
def test_path_when_tor_would_want_it_quoted_then_refused(path: str) -> None:
    """A path cannot bring a line of configuration with it."""
    with pytest.raises(InstanceError) as refused:
        format_path(Path(path))
    assert refused.value.code == "instance_path_characters"


def test_desk_service_when_clients_are_given_then_each_is_named() -> None:
    """Every machine of the desk is named; the service is for them alone."""
    line = format_desk_service(
        key="NEW:ED25519-V3", socket=Path("/s"), clients=("AAA", "BBB"), max_streams=5
    )
    assert line == (
        "ADD_ONION NEW:ED25519-V3 Flags=V3Auth,MaxStreamsCloseCircuit MaxStreams=5"
        " Port=80,unix:/s ClientAuthV3=AAA ClientAuthV3=BBB"
    )


def test_desk_service_when_no_client_is_given_then_refused() -> None:
    """Without clients tor would publish the desk for everybody."""
    with pytest.raises(ValueError, match="open to everybody"):
        format_desk_service(key="k", socket=Path("/s"), clients=(), max_streams=5)


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (
            'NOTICE BOOTSTRAP PROGRESS=14 TAG=handshake SUMMARY="Handshaking"',
            Bootstrap(percent=14, stage="handshake"),
        ),
        ("PROGRESS=100 TAG=done", Bootstrap(percent=100, stage="done")),
        ("nothing", Bootstrap(percent=0, stage="starting")),
    ],
)
def test_bootstrap_when_told_then_percent_and_stage_are_read(text: str, stage: Bootstrap) -> None:
    """How far tor has come is read from its words, or not at all."""
    assert parse_bootstrap(text) == stage


def test_version_when_told_then_numbers_compare() -> None:
    """Versions compare as numbers, and a text without one is older than all."""
    assert parse_version("Tor version 0.4.9.11.") == (0, 4, 9, 11)
    assert parse_version("Tor 0.4.10.2-alpha") > parse_version("0.4.9.11 (git-abc)")
    assert parse_version("no version") == ()
    assert parse_version("") < (0, 4, 9, 11)
