"""Where the gateways' listener is."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tipline.errors import ConfigurationError
from tipline.gateway.places import check_listen
from tipline.gateway.settings import Listen


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A line's directory, with what a socket may lie in."""
    for name in ("run", "keys", "tor", "own"):
        (tmp_path / name).mkdir()
    return tmp_path


def check(directory: Path, *, unix: str | None = None, port: int | None = None) -> None:
    """Look at a place."""
    check_listen(directory, Listen(unix=unix, port=port), is_served=False)


@pytest.mark.parametrize("unix", ["run/gateway", "own/source.sock", "gateway"])
def test_socket_when_nothing_of_the_line_is_there_then_it_can_lie_there(
    directory: Path, unix: str
) -> None:
    """Nothing is left behind by looking."""
    before = sorted(directory.rglob("*"))
    check(directory, unix=unix)
    check(directory, unix=str(directory / unix))
    assert sorted(directory.rglob("*")) == before


@pytest.mark.parametrize(
    "unix",
    ["run/source.sock", "run/desk.sock", "run/operator.sock", "run/lock", "keys/x", "tor/a/b"],
)
def test_socket_when_the_line_has_the_place_then_it_is_refused(directory: Path, unix: str) -> None:
    """The desk's socket would win, and the gateways would call nobody."""
    (directory / "link").symlink_to(directory / "run")
    for spelling in (unix, str(directory / unix), unix.replace("run/", "link/")):
        with pytest.raises(ConfigurationError) as caught:
            check(directory, unix=spelling)
        assert caught.value.code == "gateways_own_socket"
        assert caught.value.facts == {"path": str(directory / spelling)}


def test_socket_when_its_folder_is_missing_then_the_folder_is_named(directory: Path) -> None:
    """Not the line, which is there."""
    with pytest.raises(ConfigurationError) as caught:
        check(directory, unix="none/gateway")
    assert caught.value.code == "gateways_folder"
    assert caught.value.facts == {"path": str(directory / "none")}


def test_port_when_another_program_has_it_then_it_is_named(directory: Path) -> None:
    """A line that is served has it itself, and is told nothing."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        with pytest.raises(ConfigurationError) as caught:
            check(directory, port=port)
        assert (caught.value.code, caught.value.facts) == ("gateways_port", {"port": port})
        check_listen(directory, Listen(unix=None, port=port), is_served=True)
    check(directory, port=port)
    check(directory, port=port)
