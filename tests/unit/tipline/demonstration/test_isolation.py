"""A process without network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tipline import seccomp
from tipline.demonstration import isolation
from tipline.errors import NetworkError


def write_unshare(directory: Path, *, text: str) -> None:
    path = directory / "unshare"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)


def test_process_when_cut_off_runs_the_command(tmp_path: Path) -> None:
    """A command runs in the namespace, and its output comes back."""
    done = isolation.run_offline(["--version"], directory=tmp_path)
    assert (done.returncode, done.stdout) == (0, "tipline 0.1.0\n")


def test_process_when_it_is_not_cut_off_finds_the_network() -> None:
    """Where the tests run there is at least a loopback interface that is up."""
    assert not isolation.is_offline()


def test_process_when_the_namespace_was_not_made_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program `unshare` that only pretends is found out inside, before the command runs."""
    write_unshare(tmp_path, text='shift\nexec "$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(NetworkError) as caught:
        isolation.run_offline(["--version"], directory=tmp_path)
    assert caught.value.code == "offline_impossible"


def test_process_when_the_machine_forbids_namespaces_can_make_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no namespace can be made, the command runs in a process that can make no socket."""
    write_unshare(tmp_path, text="exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    done = isolation.run_offline(["--version"], directory=tmp_path)
    assert (done.returncode, done.stdout) == (0, "tipline 0.1.0\n")


def test_process_when_neither_namespace_nor_filter_can_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing cuts the process off, nothing is run and the reason is named."""
    write_unshare(tmp_path, text="exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    # As on a machine whose kernel takes no filter: the process looks for itself, and ends.
    monkeypatch.setattr(isolation, "FILTER", "namespace")
    with pytest.raises(NetworkError) as caught:
        isolation.check_isolation()
    assert caught.value.code == "offline_impossible"


def test_process_when_unshare_is_missing_is_cut_off_by_the_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without the program is no reason to open a tip beside a network, nor to refuse."""
    monkeypatch.setenv("PATH", str(tmp_path))
    isolation.check_isolation()


PROBE = """
import errno, os, socket, sys
from tipline.seccomp import refuse_sockets
kept = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
refuse_sockets()
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    try:
        socket.socket(family, socket.SOCK_DGRAM)
    except PermissionError:
        continue
    sys.exit(f"made {family}")
try:
    kept.connect(("127.0.0.1", 9))
except PermissionError:
    pass
else:
    sys.exit("connected")
child = os.fork()
if child == 0:
    try:
        socket.socketpair()
    except PermissionError:
        os._exit(0)
    os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_filter_when_it_stands_refuses_every_socket_here_and_in_children() -> None:
    """No family, no socket from before, and no child gets around it."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", PROBE],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_filter_when_the_machine_is_unknown_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of another architecture would refuse other calls: nothing is filtered then."""
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with pytest.raises(OSError, match="seccomp"):
        seccomp.refuse_sockets()
