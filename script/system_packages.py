"""
What the system must have: listed once, installed by apt, or named exactly.

1. All that is missing is listed in one line; then the person is asked, or has agreed beforehand.
2. apt's lists are brought up to date, and every name is looked up before anything is installed.
   Names that apt does not offer are named alone, with what they are for; nothing is installed.
3. The rest is installed as root or through sudo. Where that cannot be, the command that would do it
   is named and nothing happens.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import debian_browsers

LOG_TAIL_LEN: Final = 25
MISSING_EXIT_CODE: Final = 3
CRYPTSETUP: Final = Path("/usr/sbin/cryptsetup")  # where only root's search path leads
BEARERBOX: Final = Path("/usr/sbin/bearerbox")  # Kannel's
LIBC_HEADER: Final = Path("/usr/include/dlfcn.h")
OFFICE: Final = Path("/usr/lib/libreoffice/program")
OFFICE_PARTS: Final = {"writer": "libswlo.so", "calc": "libsclo.so", "impress": "libsdlo.so"}

# Debian's way to keep packages from starting services while they are installed.
POLICY: Final = "/usr/sbin/policy-rc.d"
# Debian's packages start a tor of their own, which goes to the real network, and programs that look
# for a modem or a carrier. They are kept from starting now (policy-rc.d) and at the next boot
# (disable). What was there before is not touched.
INSTALL: Final = """
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=$1
shift
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\\nexit 101\\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get install --yes --no-install-recommends "$@"
command -v systemctl >/dev/null && [ -d /run/systemd/system ] || exit 0
for package in "$@"; do
    case "$package" in
        tor | gammu-smsd | kannel) systemctl disable --now "$package.service" ;;
    esac
done
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """
    Something of the system that a step needs.

    Args:
        name: What it is called here.
        is_met: Whether it is there.
        package: The Debian package that brings it.
    """

    name: str
    is_met: Callable[[], bool]
    package: str


def say(text: str) -> None:
    """Tell a person, on stderr: stdout belongs to what runs afterwards."""
    sys.stderr.write(f"setup: {text}\n")
    sys.stderr.flush()


def show_tail(log: Path) -> None:
    """Show the last lines of what a command printed."""
    lines = log.read_text("utf-8", errors="replace").splitlines()[-LOG_TAIL_LEN:]
    sys.stderr.write("".join(f"    {line}\n" for line in lines))


def has_program(name: str) -> Callable[[], bool]:
    """Make a test that is true if a program is on the search path."""
    return lambda: shutil.which(name) is not None


def has_venv() -> bool:
    """Debian splits what `python -m venv` needs from Python itself."""
    code = "import ensurepip, venv"
    return (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode
        == 0
    )


def list_requirements(what: str, *, search_path: str) -> list[Requirement]:
    """
    List what the system must have.

    Args:
        what: `run`, `test` or `desk`.
        search_path: Where the system's browsers are looked for.

    Returns:
        Met and unmet ones.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    system_version = _read_version_of("/usr/bin/python3")
    venv_package = "python3-venv" if version == system_version else f"python{version}-venv"
    requirements = [Requirement(name="python3-venv", is_met=has_venv, package=venv_package)]
    if what in ("run", "test"):
        requirements += [
            Requirement(name="tor", is_met=has_program("tor"), package="tor"),
            Requirement(name="unshare", is_met=has_program("unshare"), package="util-linux"),
        ]
    # What strangers sent is opened in its sandbox.
    requirements.append(
        Requirement(name="bubblewrap", is_met=has_program("bwrap"), package="bubblewrap")
    )
    if what == "test":
        requirements += _list_browser_requirements(search_path)
        requirements += [
            Requirement(name="swtpm", is_met=has_program("swtpm"), package="swtpm"),
            Requirement(name="tpm2-tools", is_met=has_program("tpm2_nvread"), package="tpm2-tools"),
            Requirement(name="cryptsetup", is_met=CRYPTSETUP.exists, package="cryptsetup-bin"),
            # They count and trace the calls that change files (tests/crash).
            Requirement(name="gcc", is_met=has_program("gcc"), package="gcc"),
            Requirement(name="libc6-dev", is_met=LIBC_HEADER.exists, package="libc6-dev"),
            Requirement(name="strace", is_met=has_program("strace"), package="strace"),
            # It judges what is left in a cleaned file.
            Requirement(
                name="exiftool", is_met=has_program("exiftool"), package="libimage-exiftool-perl"
            ),
            # It decodes films and sound, as they were and as they are cleaned.
            Requirement(name="ffmpeg", is_met=has_program("ffmpeg"), package="ffmpeg"),
            # They reach phones: a modem of our own, and carriers.
            Requirement(name="gammu", is_met=has_program("gammu"), package="gammu"),
            Requirement(name="gammu-smsd", is_met=has_program("gammu-smsd"), package="gammu-smsd"),
            Requirement(name="kannel", is_met=BEARERBOX.exists, package="kannel"),
            # What docs/how-to/phones.md sends a message with.
            Requirement(name="curl", is_met=has_program("curl"), package="curl"),
            Requirement(name="openssl", is_met=has_program("openssl"), package="openssl"),
            # It shows office documents, without a screen of its own.
            *(
                Requirement(
                    name=f"LibreOffice {part}",
                    is_met=(OFFICE / library).exists,
                    package=f"libreoffice-{part}-nogui",
                )
                for part, library in OFFICE_PARTS.items()
            ),
        ]
    return requirements


def _list_browser_requirements(search_path: str) -> list[Requirement]:
    if debian_browsers.list_to_fetch(search_path=search_path):
        return [
            Requirement(
                name="Debian's keys",
                is_met=debian_browsers.KEYRING.exists,
                package="debian-archive-keyring",
            ),
            Requirement(
                name="fonts", is_met=debian_browsers.FONTS.exists, package="fontconfig-config"
            ),
        ]

    def has(name: str) -> Callable[[], bool]:
        return lambda: debian_browsers.has_browser(name, search_path=search_path)

    return [
        Requirement(name=name, is_met=has(name), package=name) for name in debian_browsers.PROGRAMS
    ]


def _read_version_of(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=False
        ).stdout.strip()
    except FileNotFoundError:
        return ""


def install_missing(requirements: Sequence[Requirement], *, agreed: bool, log: Path) -> bool:
    """
    Install what the system lacks, or say exactly what is missing and stop.

    Args:
        requirements: Met and unmet ones.
        agreed: The caller agreed beforehand (`--yes`).
        log: Where what apt prints goes.

    Returns:
        Whether anything had to be installed; nothing is missing then any more.

    Raises:
        SystemExit: something is still missing.
    """
    missing = [one for one in requirements if not one.is_met()]
    if not missing:
        return False
    packages = [one.package for one in missing]
    say("these system packages are missing: " + " ".join(packages))
    prefix = _find_root_prefix(agreed=agreed)
    if shutil.which("apt-get") is None or prefix is None:
        _stop_for(missing)
    if not agreed and sys.stdin.isatty():
        sys.stderr.write("setup: install them now? [Y/n] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
            _stop_for(missing)
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:

        def run(*command: str) -> int:
            return subprocess.run(
                [*prefix, *command],
                stdin=None if sys.stdin.isatty() else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode

        # Whether it failed is judged by what it was for: the names that apt knows afterwards.
        run("apt-get", "update")
        if unknown := [one for one in missing if not is_offered(one.package)]:
            _stop_for_unknown(unknown, log)
        status = run("sh", "-c", INSTALL, "sh", POLICY, *packages)
    still_missing = [one for one in missing if not one.is_met()]
    if status != 0 or still_missing:
        show_tail(log)
        _stop_for(still_missing or missing)
    return True


def is_offered(package: str) -> bool:
    """
    Tell whether apt could install a package.

    Args:
        package: Its exact name.

    Returns:
        False if no source that apt asks has it.
    """
    told = subprocess.run(
        ["apt-cache", "policy", package],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    ).stdout
    found = re.search(r"^  Candidate: (.+)$", told, re.MULTILINE)
    return found is not None and found[1] != "(none)"


def _find_root_prefix(*, agreed: bool) -> list[str] | None:
    """Find what to write before a command so that root runs it; None if there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    if sys.stdin.isatty():
        return ["sudo"]
    # Nobody can type a password: only a sudo that asks for none, and only if the caller agreed.
    can = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if can and agreed else None


def _stop_for(missing: Sequence[Requirement]) -> NoReturn:
    say("error: missing: " + ", ".join(one.name for one in missing))
    packages = " ".join(one.package for one in missing)
    say("hint: as root:")
    say(f"hint: apt-get update && apt-get install --no-install-recommends {packages}")
    raise SystemExit(MISSING_EXIT_CODE)


def _stop_for_unknown(unknown: Sequence[Requirement], log: Path) -> NoReturn:
    show_tail(log)
    for one in unknown:
        say(f"error: apt offers no package {one.package} (needed for: {one.name})")
    say("hint: is there a network, and do apt's sources name Debian's main or Ubuntu's main and")
    say("hint: universe? Then, as root: apt-get update. Or bring it here in another way: what is")
    say("hint: there already is taken as it is. Nothing was installed")
    raise SystemExit(MISSING_EXIT_CODE)
