"""`script/setup`: what the system lacks is named once, looked up, then installed or named."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
KNOWN = 'echo "$2:"; echo "  Installed: (none)"; echo "  Candidate: 1.0-1"'


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script's module."""
    monkeypatch.syspath_prepend(ROOT / "script")
    return importlib.import_module("system_packages")


def write_program(directory: Path, name: str, text: str) -> None:
    """Write a shell program."""
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)


def be_user(packages: ModuleType, monkeypatch: pytest.MonkeyPatch, *, uid: int, path: Path) -> None:
    """Look like a user with a search path of one's own and nobody at the terminal."""
    monkeypatch.setattr(packages.os, "geteuid", lambda: uid)
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(packages.sys.stdin, "isatty", lambda: False, raising=False)


def be_system(packages: ModuleType, monkeypatch: pytest.MonkeyPatch, **release: str) -> None:
    """Look like a system of another name."""
    monkeypatch.setattr(
        packages.debian_browsers.platform, "freedesktop_os_release", lambda: release
    )


def install(
    packages: ModuleType, monkeypatch: pytest.MonkeyPatch, what: str, place: Path, *, agreed: bool
) -> int:
    """Install what is missing beside Python's own; the exit code."""
    monkeypatch.setattr(packages, "has_venv", lambda: True)
    requirements = packages.list_requirements(what, search_path=str(place / "bin"))
    with pytest.raises(SystemExit) as caught:
        packages.install_missing(requirements, agreed=agreed, log=place / "stamps" / "packages.log")
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_setup_when_nobody_may_install_names_the_packages_and_stops(
    packages: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command that would do it is named exactly, with an exit code of its own."""
    write_program(tmp_path / "bin", "apt-get", "exit 1")
    be_user(packages, monkeypatch, uid=1000, path=tmp_path / "bin")
    be_system(packages, monkeypatch, ID="debian")
    monkeypatch.setattr(packages, "LIBC_HEADER", tmp_path / "none")
    monkeypatch.setattr(packages, "CRYPTSETUP", tmp_path / "none")
    monkeypatch.setattr(packages, "BEARERBOX", tmp_path / "none")
    monkeypatch.setattr(packages, "OFFICE", tmp_path / "none")
    assert install(packages, monkeypatch, "test", tmp_path, agreed=True) == 3
    said = capsys.readouterr().err
    names = (
        "tor util-linux bubblewrap firefox-esr chromium swtpm tpm2-tools cryptsetup-bin gcc"
        " libc6-dev strace libimage-exiftool-perl ffmpeg gammu gammu-smsd kannel"
        " curl openssl"
        " libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui"
    )
    assert said.count(f"these system packages are missing: {names}") == 1
    assert f"apt-get update && apt-get install --no-install-recommends {names}\n" in said


@pytest.mark.parametrize(
    "release", [{"ID": "ubuntu", "ID_LIKE": "debian"}, {"ID": "mint", "ID_LIKE": "ubuntu debian"}]
)
def test_setup_when_the_system_packages_no_browsers_names_what_fetching_them_needs(
    packages: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    release: dict[str, str],
) -> None:
    """Ubuntu has no firefox-esr: no name is listed that apt there does not offer."""
    be_system(packages, monkeypatch, **release)
    listed = packages.list_requirements("test", search_path=str(tmp_path))
    assert [one.package for one in listed][4:] == [
        "debian-archive-keyring",
        "fontconfig-config",
        "swtpm",
        "tpm2-tools",
        "cryptsetup-bin",
        "gcc",
        "libc6-dev",
        "strace",
        "libimage-exiftool-perl",
        "ffmpeg",
        "gammu",
        "gammu-smsd",
        "kannel",
        "curl",
        "openssl",
        "libreoffice-writer-nogui",
        "libreoffice-calc-nogui",
        "libreoffice-impress-nogui",
    ]
    assert [one.name for one in packages.list_requirements("run", search_path="")] == [
        "python3-venv",
        "tor",
        "unshare",
        "bubblewrap",
    ]


def test_setup_when_sudo_asks_for_nothing_installs_only_if_agreed(
    packages: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without a terminal installs through sudo only with --yes."""
    write_program(tmp_path / "bin", "sudo", "exit 0")
    be_user(packages, monkeypatch, uid=1000, path=tmp_path / "bin")
    assert packages._find_root_prefix(agreed=True) == ["sudo", "-n"]
    assert packages._find_root_prefix(agreed=False) is None
    write_program(tmp_path / "bin", "sudo", "exit 1")
    assert packages._find_root_prefix(agreed=True) is None


@pytest.mark.parametrize("answer", ['echo "$2:"; echo "  Candidate: (none)"', "exit 0"])
def test_setup_when_apt_offers_one_name_not_names_it_and_installs_nothing(
    packages: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
) -> None:
    """A name that apt does not know is said alone, with what it is for, before any change."""
    asked = tmp_path / "asked"
    write_program(tmp_path / "bin", "apt-get", f'echo "$*" >>"{asked}"; echo no network; exit 100')
    write_program(
        tmp_path / "bin", "apt-cache", f'[ "$2" = tor ] || {{ {answer}; exit; }}; {KNOWN}'
    )
    be_user(packages, monkeypatch, uid=0, path=tmp_path / "bin")
    assert install(packages, monkeypatch, "run", tmp_path, agreed=False) == 3
    said = capsys.readouterr().err
    assert "error: apt offers no package util-linux (needed for: unshare)" in said
    assert "no package tor" not in said
    assert "no network" in said
    assert asked.read_text() == "update\n"


@pytest.mark.parametrize("language", ["C.UTF-8", "es_ES.UTF-8"])
def test_is_offered_when_the_person_has_another_language_reads_apt_all_the_same(
    packages: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """apt-cache translates its words: it is asked in the one language that is read."""
    write_program(tmp_path / "bin", "apt-cache", f'[ "$LC_ALL" = C ] || exit 0; {KNOWN}')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("LC_ALL", language)
    assert packages.is_offered("tor")


def test_is_offered_when_the_real_apt_is_asked_knows_names_from_nonsense(
    packages: ModuleType,
) -> None:
    """What is read is what apt-cache writes: Python itself is offered, an invented name is not."""
    assert packages.is_offered("python3")
    assert not packages.is_offered("tipline-invented-for-this-test")


def test_setup_when_installing_did_not_help_stops(
    packages: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What apt said is shown, and what is still missing is named."""
    write_program(tmp_path / "bin", "apt-get", "echo the disk is full; exit 100")
    write_program(tmp_path / "bin", "apt-cache", KNOWN)
    for name in ("sh", "rm", "chmod"):
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    be_user(packages, monkeypatch, uid=0, path=tmp_path / "bin")
    monkeypatch.setattr(packages, "POLICY", str(tmp_path / "policy-rc.d"))
    assert install(packages, monkeypatch, "run", tmp_path, agreed=False) == 3
    said = capsys.readouterr().err
    assert "the disk is full" in said
    assert "missing: tor, unshare" in said
    assert not (tmp_path / "policy-rc.d").exists()


def test_setup_when_apt_brings_what_is_missing_then_says_that_it_was_installed(
    packages: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller learns whether the system was changed; asked again, nothing is missing."""
    brought = " ".join(f'"{tmp_path / "bin" / name}"' for name in ("tor", "unshare", "bwrap"))
    bring = f'[ "$1" = update ] || for one in {brought}; do : >"$one"; chmod 700 "$one"; done'
    write_program(tmp_path / "bin", "apt-get", bring)
    write_program(tmp_path / "bin", "apt-cache", KNOWN)
    for name in ("sh", "rm", "chmod"):
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    be_user(packages, monkeypatch, uid=0, path=tmp_path / "bin")
    monkeypatch.setattr(packages, "POLICY", str(tmp_path / "policy-rc.d"))
    monkeypatch.setattr(packages, "has_venv", lambda: True)
    requirements = packages.list_requirements("run", search_path="")
    log = tmp_path / "stamps" / "packages.log"
    assert packages.install_missing(requirements, agreed=True, log=log)
    assert not packages.install_missing(requirements, agreed=True, log=log)


@pytest.mark.parametrize("outcome", [0, 100])
def test_install_when_it_runs_keeps_packages_from_starting_services(
    packages: ModuleType, tmp_path: Path, outcome: int
) -> None:
    """While apt installs, the policy forbids every start; afterwards the machine is as before."""
    policy, bin_directory = tmp_path / "policy-rc.d", tmp_path / "bin"
    write_program(
        bin_directory, "apt-get", f'"{policy}"; echo "$? $*" >"{tmp_path}/seen"; exit {outcome}'
    )
    done = subprocess.run(
        ["sh", "-c", packages.INSTALL, "sh", str(policy), "tor-test", "chromium"],
        env={"PATH": f"{bin_directory}:/usr/bin:/bin"},
    )
    assert done.returncode == outcome
    seen = (tmp_path / "seen").read_text()
    assert seen == "101 install --yes --no-install-recommends tor-test chromium\n"
    assert not policy.exists()


def test_install_when_the_machine_has_a_policy_leaves_it(
    packages: ModuleType, tmp_path: Path
) -> None:
    """An operator's own policy is neither replaced nor taken away."""
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    write_program(tmp_path / "bin", "apt-get", "exit 0")
    subprocess.run(
        ["sh", "-c", packages.INSTALL, "sh", str(policy), "chromium"],
        env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
        check=True,
    )
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
