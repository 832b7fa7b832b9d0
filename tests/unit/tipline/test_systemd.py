"""The systemd unit."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from tipline.onion.process import END_SECONDS
from tipline.service.listening import SHUTDOWN_SECONDS
from tipline.service.serve import DRAIN_SECONDS

UNIT = Path(__file__).parents[3] / "tipline" / "systemd" / "tipline.service"
MAX_EXPOSURE_PERCENT = 20  # as "systemd-analyze security" counts; this unit has 15


def read_unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text())
    return parser


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("User", "tipline"),
        ("UMask", "0077"),
        ("LimitCORE", "1"),
        ("MemorySwapMax", "0"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ReadWritePaths", "/srv/tipline"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("ExecStart", "/usr/local/bin/tipline serve /srv/tipline"),
    ],
)
def test_unit_when_read_then_the_sandbox_is_on(option: str, value: str) -> None:
    """Each wall of the sandbox stands in the unit."""
    assert read_unit()["Service"][option] == value


def test_unit_when_it_stops_then_it_waits_for_what_was_begun() -> None:
    """The time to stop is longer than what the service takes to finish a slice and end tor."""
    # Three listeners are ended one after the other, then tor.
    longest = DRAIN_SECONDS + 3 * SHUTDOWN_SECONDS + END_SECONDS
    assert int(read_unit()["Service"]["TimeoutStopSec"]) > longest


def test_unit_when_systemd_reads_it_then_it_finds_no_fault(tmp_path: Path) -> None:
    """systemd itself accepts every line, and counts little exposure; where it is not installed,
    the unit is at least read as a whole."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        assert set(read_unit().sections()) == {"Unit", "Service", "Install"}
        return
    # The program need not be installed where the tests run.
    unit = tmp_path / "tipline.service"
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/tipline", "/bin/true"))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        [analyze, "security", "--offline=true", f"--threshold={MAX_EXPOSURE_PERCENT}", str(unit)],
        capture_output=True,
        text=True,
    )
    assert judged.returncode == 0, judged.stdout
