"""Looking whether there is a sandbox."""

from __future__ import annotations

import sys

import pytest

from tipline.rendering import lockdown
from tipline.rendering.lockdown import NoSandboxError, check_sandbox


def test_check_when_run_on_the_machine_itself_then_it_finds_no_sandbox() -> None:
    """Where the tests run, the root directory holds more than belongs into a sandbox."""
    with pytest.raises(NoSandboxError, match="disk"):
        check_sandbox(prefix=sys.base_prefix)


def test_check_when_the_disk_is_empty_but_a_network_is_there_then_it_finds_no_sandbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interface beside loopback is enough."""
    monkeypatch.setattr(lockdown.os, "listdir", lambda path: ["usr", "input"])
    monkeypatch.setattr(lockdown.socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    with pytest.raises(NoSandboxError, match="network"):
        check_sandbox(prefix="/usr")


def test_check_when_only_loopback_is_there_then_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What bubblewrap makes passes, and so does the folder in which Python itself lies."""
    monkeypatch.setattr(lockdown.os, "listdir", lambda path: ["usr", "input", "snake"])
    monkeypatch.setattr(lockdown.socket, "if_nameindex", lambda: [(1, "lo")])
    monkeypatch.setattr(lockdown, "_reaches_anybody", lambda: False)
    check_sandbox(prefix="/snake/3.11")
    with pytest.raises(NoSandboxError):
        check_sandbox(prefix="/usr")
