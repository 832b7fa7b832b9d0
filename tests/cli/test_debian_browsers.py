"""`script/setup` on Ubuntu: Debian's browsers, fetched by signature and never installed."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
ARCHITECTURE = subprocess.run(
    ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
).stdout.strip()
# Written by the maintainers' scripts of a package, if anybody ran them.
TRACE = "ran"


@pytest.fixture
def browsers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script's module."""
    monkeypatch.syspath_prepend(ROOT / "script")
    return importlib.import_module("debian_browsers")


def write_package(archive: Path, name: str, files: dict[str, str], *, depends: str = "") -> str:
    """Build a Debian package, and return its entry in the archive's index."""
    tree = archive / f"{name}.tree"
    (tree / "DEBIAN").mkdir(parents=True)
    entry = f"Package: {name}\nVersion: 1.0\nArchitecture: {ARCHITECTURE}\nMaintainer: Test\n"
    entry += f"Depends: {depends}\n" if depends else ""
    (tree / "DEBIAN" / "control").write_text(f"{entry}Description: for a test\n")
    script = tree / "DEBIAN" / "postinst"
    script.write_text(f"#!/bin/sh\ntouch '{archive / TRACE}'\n")
    script.chmod(0o755)
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
        (tree / path).chmod(0o4755)
    package = archive / f"{name}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", tree, package],
        check=True,
        capture_output=True,
    )
    data = package.read_bytes()
    return (
        f"{entry}Filename: {name}.deb\nSize: {len(data)}\n"
        f"SHA256: {hashlib.sha256(data).hexdigest()}\nDescription: for a test\n\n"
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive on this machine that nobody signed, with a browser and the C library."""
    path = tmp_path / "archive"
    path.mkdir()
    library = f"usr/lib/{os.uname().machine}-linux-gnu/libneeded.so.1"
    entries = [
        write_package(
            path,
            "firefox-esr",
            {"usr/lib/firefox-esr/firefox-esr": '#!/bin/sh\necho "$LD_LIBRARY_PATH" "$@"\n'},
            depends="libneeded1, libc6",
        ),
        write_package(path, "libneeded1", {library: "", "bin/su": "", "usr/bin/passwd": ""}),
        write_package(path, "libc6", {"lib/libc.so.6": ""}),
    ]
    index = "".join(entries).encode()
    (path / "Packages").write_bytes(index)
    digest = hashlib.sha256(index).hexdigest()
    (path / "Release").write_text(
        f"Codename: test\nDate: Sat, 01 Jun 2024 00:00:00 UTC\n"
        f"SHA256:\n {digest} {len(index)} Packages\n"
    )
    return path


class Runner:
    """Runs a step's commands, as setup does, and keeps what they print."""

    def __init__(self) -> None:
        self.said = ""
        self.commands: list[tuple[str, ...]] = []

    def __call__(self, *command: str) -> None:
        self.commands.append(command)
        done = subprocess.run(command, capture_output=True, text=True)
        self.said += done.stdout + done.stderr
        done.check_returncode()


def test_fetch_when_the_archive_is_not_signed_then_nothing_is_taken(
    browsers: ModuleType, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """apt's refusal of what nobody signed holds, whatever the machine's own settings are."""
    loosened = tmp_path / "loosened"
    loosened.write_text(
        'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(loosened))
    sources = f"deb [signed-by={browsers.KEYRING}] copy:{archive} ./\n"
    run = Runner()
    with pytest.raises(subprocess.CalledProcessError):
        browsers.fetch(["firefox-esr"], tmp_path / "got", run, sources=sources)
    assert "is not signed" in run.said
    assert [command[-1] for command in run.commands] == ["update"]
    assert not (tmp_path / "got").exists()


def test_fetch_when_one_source_does_not_answer_then_nothing_is_taken(
    browsers: ModuleType, archive: Path, tmp_path: Path
) -> None:
    """Half of the archives would do for apt, but the newest browsers are in the other half."""
    # Nothing listens on port 9.
    sources = f"deb [trusted=yes] copy:{archive} ./\ndeb [trusted=yes] http://127.0.0.1:9 ./\n"
    run = Runner()
    with pytest.raises(subprocess.CalledProcessError):
        browsers.fetch(["firefox-esr"], tmp_path / "got", run, sources=sources)
    assert [command[-1] for command in run.commands] == ["update"]
    assert not (tmp_path / "got").exists()


@pytest.fixture
def fetched(browsers: ModuleType, archive: Path, tmp_path: Path) -> Path:
    """What is there after fetching from the same archive, declared to be trusted."""
    folder = tmp_path / "got"
    (folder / "usr").mkdir(parents=True)
    (folder / "usr" / "older").touch()
    sources = f"deb [trusted=yes] copy:{archive} ./\n"
    browsers.fetch(["firefox-esr"], folder, Runner(), sources=sources)
    return folder


def test_fetch_when_the_archive_is_trusted_then_only_libraries_and_the_browser_are_kept(
    fetched: Path, archive: Path
) -> None:
    """The browser and what it needs are there; the C library, other programs, older files not."""
    library = f"usr/lib/{os.uname().machine}-linux-gnu/libneeded.so.1"
    found = {str(path.relative_to(fetched)) for path in fetched.rglob("*") if path.is_file()}
    assert found == {"usr/lib/firefox-esr/firefox-esr", library}
    assert not (archive / TRACE).exists()
    assert not (fetched.parent / "got.new").exists()


def test_launcher_when_run_starts_the_browser_with_its_own_libraries_first(
    browsers: ModuleType, fetched: Path, tmp_path: Path
) -> None:
    """What the browser brings comes before what others need, and arguments arrive as they are."""
    launcher, older = tmp_path / "firefox-esr", tmp_path / "older"
    launcher.symlink_to(older)
    browsers.write_launcher("firefox-esr", fetched, launcher)
    done = subprocess.run([launcher, "a b", "--c"], capture_output=True, text=True, check=True)
    assert not older.exists()
    path, _, arguments = done.stdout.partition(" ")
    assert arguments == "a b --c\n"
    folders = path.split(os.pathsep)
    assert folders[0] == str(fetched / "usr/lib/firefox-esr")
    assert folders[1] == str(fetched / f"usr/lib/{os.uname().machine}-linux-gnu")


def write_browser(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def test_list_when_a_browser_is_a_snap_then_it_is_fetched(
    browsers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snap cannot read what the tests write; a browser that is none is taken as it is."""
    monkeypatch.setattr(browsers.platform, "freedesktop_os_release", lambda: {"ID": "ubuntu"})
    write_browser(tmp_path / "snap" / "bin", "chromium")
    write_browser(tmp_path / "usr", "snap")
    (tmp_path / "usr" / "firefox-esr").symlink_to("snap")
    search_path = f"{tmp_path / 'snap' / 'bin'}{os.pathsep}{tmp_path / 'usr'}"
    assert browsers.list_to_fetch(search_path=search_path) == ["firefox-esr", "chromium"]
    write_browser(tmp_path / "own", "firefox-esr")
    own = f"{tmp_path / 'own'}{os.pathsep}{search_path}"
    assert browsers.list_to_fetch(search_path=own) == ["chromium"]


def test_list_when_the_system_packages_browsers_then_none_is_fetched(
    browsers: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Debian, and where the system has no name, apt is asked."""
    monkeypatch.setattr(browsers.platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    assert browsers.list_to_fetch(search_path="") == []

    def fail() -> dict[str, str]:
        raise OSError

    monkeypatch.setattr(browsers.platform, "freedesktop_os_release", fail)
    assert browsers.list_to_fetch(search_path="") == []


def test_sources_when_read_name_debians_archive_and_its_keys_alone(browsers: ModuleType) -> None:
    """Each source is judged by Debian's own keyring, none is declared to be trusted."""
    lines = browsers.SOURCES.split("\n")[1:-1]
    assert len(lines) == 2
    for line in lines:
        assert line.startswith(f"deb [signed-by={browsers.KEYRING}] http://deb.debian.org/debian")
