"""
Debian's browsers where the system packages none (Ubuntu): fetched and unpacked, not installed.

1. The system's apt fetches them from Debian's archive, with all that they need, by a configuration
   of its own: Debian's signatures are checked against the keyring that the system packages, and
   nothing that is not signed is taken. The system's own sources, lists and packages stay as they
   are; nobody needs to be root.
2. They are unpacked into a folder of the checkout. No package's own scripts are run, and programs
   besides the browsers are not kept.
3. A launcher starts each with the libraries that came with it. Only the C library is the system's:
   it must be Debian's or newer, and the loader fits no other.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

# By package, which here is the name of the program too.
PROGRAMS: Final = {
    "firefox-esr": Path("usr", "lib", "firefox-esr", "firefox-esr"),
    "chromium": Path("usr", "lib", "chromium", "chromium"),
}
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
FONTS: Final = Path("/etc/fonts/fonts.conf")
# Debian 12: the same browsers as where the tests' other system has them from apt.
SOURCES: Final = f"""
deb [signed-by={KEYRING}] http://deb.debian.org/debian bookworm main
deb [signed-by={KEYRING}] http://deb.debian.org/debian-security bookworm-security main
"""
# What the machine's own configuration may have loosened or hooked in is set back here; its proxy
# stays. The downloader stays who it is: the checkout may lie where apt's own user cannot go.
# Nothing can be installed by it: what would install is /bin/false.
APT_CONFIGURATION: Final = """
Dir::State "{place}/state";
Dir::State::status "{place}/status";
Dir::Cache "{place}/cache";
Dir::Etc::sourcelist "{place}/sources.list";
Dir::Etc::sourceparts "{place}/none";
Dir::Etc::preferences "{place}/none.conf";
Dir::Etc::preferencesparts "{place}/none";
Dir::Etc::trusted "{place}/none.gpg";
Dir::Etc::trustedparts "{place}/none";
Dir::Bin::dpkg "/bin/false";
APT::Get::Download-Only "true";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""
# Of the packages only this is kept: programs that run as root from anywhere stand elsewhere.
KEPT: Final = ("lib", "usr")
KEPT_OF_USR: Final = ("lib", "share")
C_LIBRARY: Final = "libc6"

Run = Callable[..., None]


def is_packaged() -> bool:
    """
    Tell whether this system packages both browsers.

    Returns:
        False on Ubuntu and what is made from it: there is no Firefox ESR, and Chromium is a snap.
    """
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return True
    return "ubuntu" not in (release["ID"], *release.get("ID_LIKE", "").split())


def has_browser(name: str, *, search_path: str) -> bool:
    """
    Tell whether the system has a browser that the tests can use.

    Args:
        name: Of the program.
        search_path: Without our own launchers.

    Returns:
        False for a snap: it cannot read temporary directories.
    """
    found = shutil.which(name, path=search_path)
    if found is None:
        return False
    return "snap" not in Path(found).parts and Path(found).resolve().name != "snap"


def list_to_fetch(*, search_path: str) -> list[str]:
    """
    List the browsers that the system neither has nor packages.

    Args:
        search_path: Without our own launchers.

    Returns:
        Names of packages.
    """
    if is_packaged():
        return []
    return [name for name in PROGRAMS if not has_browser(name, search_path=search_path)]


def fetch(names: Sequence[str], folder: Path, run: Run, *, sources: str = SOURCES) -> None:
    """
    Fetch browsers and unpack them.

    Args:
        names: Of packages.
        folder: Where they shall be afterwards; what was there is replaced.
        run: Runs a command, raises if it fails.
        sources: Where apt looks, and by which keys it judges.
    """
    staged = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    # For nobody else: until they are thrown away, programs that run as root lie in it.
    staged.mkdir(mode=0o700)
    place, tree = staged / "apt", staged / "tree"
    for part in ("state/lists/partial", "cache/archives/partial", "none"):
        (place / part).mkdir(parents=True)
    (place / "status").touch()
    (place / "sources.list").write_text(sources)
    (place / "apt.conf").write_text(APT_CONFIGURATION.format(place=place))
    apt = ("apt-get", "-c", str(place / "apt.conf"), "--quiet")
    run(*apt, "update")
    run(*apt, "install", "--yes", "--no-install-recommends", *names)
    for package in sorted((place / "cache" / "archives").glob("*.deb")):
        if package.name.split("_")[0] != C_LIBRARY:
            run("dpkg-deb", "--extract", str(package), str(tree))
    _keep_only(KEPT, tree)
    _keep_only(KEPT_OF_USR, tree / "usr")
    shutil.rmtree(folder, ignore_errors=True)
    tree.rename(folder)
    shutil.rmtree(staged)


def _keep_only(names: Sequence[str], folder: Path) -> None:
    for path in folder.iterdir():
        if path.name in names:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_launcher(name: str, folder: Path, launcher: Path) -> None:
    """
    Write the program that starts a browser with its own libraries.

    Args:
        name: Of the package.
        folder: Where it was unpacked.
        launcher: The file to write.
    """
    program = folder / PROGRAMS[name]
    triplet = f"{platform.machine()}-linux-gnu"
    libraries = folder / "usr" / "lib" / triplet
    # The browser's own come first: Firefox brings a newer NSS than the one that Chromium uses.
    search = [program.parent, libraries, folder / "lib" / triplet, libraries / "pulseaudio"]
    text = os.pathsep.join(map(str, search))
    launcher.unlink(missing_ok=True)
    launcher.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={shlex.quote(text)}\n"
        f'exec {shlex.quote(str(program))} "$@"\n'
    )
    launcher.chmod(0o755)
