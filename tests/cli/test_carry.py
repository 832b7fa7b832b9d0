"""`script/carry` and `script/setup desk --wheels`: how the program reaches an offline machine."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "set-up-the-workstation.md"
NO_NETWORK = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}


def make_wheel(folder: Path, name: str) -> str:
    """Write a wheel of one module, and return the line that pins it."""
    info = f"{name}-1.0.dist-info"
    texts = {
        f"{name}.py": "HERE = True\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in texts.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        rows.append(f"{path},sha256={digest.decode()},{len(text)}\n")
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in texts.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\n")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def git(repository: Path, *words: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", repository, *identity, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small project with our scripts, and two packages that a local folder has."""
    path, packages = tmp_path / "project", tmp_path / "packages"
    for folder in (path / "script", path / "requirements", packages):
        folder.mkdir(parents=True)
    for name in ("carry", "setup", "setup.py"):
        shutil.copy(ROOT / "script" / name, path / "script" / name)
    (path / "requirements" / "build.txt").write_text(make_wheel(packages, "tool"))
    (path / "requirements" / "desk.txt").write_text(make_wheel(packages, "carried"))
    (path / ".venv").symlink_to(Path(sys.prefix))
    (path / ".gitignore").write_text("/.venv\n")
    git(path, "init", "--quiet")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "-m", "first")
    return path


def carry(repository: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    packages = str(repository.parent / "packages")
    return subprocess.run(
        [repository / "script" / "carry", *words],
        env={**os.environ, **NO_NETWORK, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": packages},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_carry_when_run_then_the_folder_holds_source_packages_and_their_hashes(
    repository: Path, tmp_path: Path
) -> None:
    """All that is needed is there, is listed, and one printed hash stands for all of it."""
    done = carry(repository, tmp_path / "stick")
    assert done.returncode == 0, done.stderr
    stick = tmp_path / "stick"
    listed = (stick / "SHA256SUMS").read_text()
    assert re.findall(r"^[0-9a-f]{64}  (.+)$", listed, re.MULTILINE) == [
        "tipline.tar",
        "wheels/carried-1.0-py3-none-any.whl",
        "wheels/tool-1.0-py3-none-any.whl",
    ]
    assert done.stdout == f"{hashlib.sha256(listed.encode()).hexdigest()}  SHA256SUMS\n"
    checked = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(checked, cwd=stick).returncode == 0
    (stick / "wheels" / "tool-1.0-py3-none-any.whl").write_bytes(b"other")
    assert subprocess.run(checked, cwd=stick, capture_output=True).returncode == 1


def test_carry_when_made_from_another_clone_then_the_hash_is_the_same(
    repository: Path, tmp_path: Path
) -> None:
    """A second person gets the same hash from the same commit, whatever the umask there is."""
    first = carry(repository, tmp_path / "stick")
    second = tmp_path / "second"
    subprocess.run(["git", "clone", "--quiet", repository, second], check=True)
    (second / ".venv").symlink_to(Path(sys.prefix))
    git(second, "config", "tar.umask", "0077")
    assert carry(second, tmp_path / "other").stdout == first.stdout != ""


def test_carry_when_a_package_is_not_the_written_one_then_nothing_is_left(
    repository: Path, tmp_path: Path
) -> None:
    """A package of another hash is refused, and no folder remains that could be carried."""
    make_wheel(tmp_path / "packages", "carried")
    with zipfile.ZipFile(tmp_path / "packages" / "carried-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("carried_too.py", "")
    done = carry(repository, tmp_path / "stick")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "stick").exists()


def test_carry_when_something_is_not_committed_then_it_says_so_and_leaves_it_out(
    repository: Path, tmp_path: Path
) -> None:
    """What is carried is the commit that people compare."""
    (repository / "requirements" / "desk.txt").write_text("not committed")
    done = carry(repository, tmp_path / "stick")
    assert done.returncode == 0
    assert "only what is committed is carried" in done.stderr
    subprocess.run(["tar", "-x", "-f", tmp_path / "stick" / "tipline.tar"], cwd=tmp_path)
    assert "carried==1.0" in (tmp_path / "tipline" / "requirements" / "desk.txt").read_text()


def test_carry_when_the_folder_exists_then_it_is_left_alone(
    repository: Path, tmp_path: Path
) -> None:
    """An older stick is not mixed with a newer one."""
    (tmp_path / "stick").mkdir()
    done = carry(repository, tmp_path / "stick")
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert list((tmp_path / "stick").iterdir()) == []


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with a checkout of its own to set up."""
    spec = importlib.util.spec_from_file_location("carried_setup", ROOT / "script/setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.syspath_prepend(ROOT / "script")
    monkeypatch.setitem(sys.modules, "carried_setup", module)
    spec.loader.exec_module(module)
    place = tmp_path / "place"
    (place / "requirements").mkdir(parents=True)
    (place / ".stamps").mkdir()
    values = {"ROOT": place, "STAMPS": place / ".stamps", "VENV": place / ".venv"}
    python = place / ".venv" / "bin" / "python"
    pip = tuple(str(python) if word == str(module.PYTHON) else word for word in module.PIP)
    for name, value in (values | {"PYTHON": python, "PIP": pip}).items():
        monkeypatch.setattr(module, name, value)
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    return module


def test_setup_desk_when_wheels_are_given_then_packages_come_from_them_alone(
    setup: ModuleType, tmp_path: Path
) -> None:
    """A machine without network gets its packages from the folder, compared by their hashes."""
    wheels, requirements = tmp_path / "wheels", tmp_path / "place" / "requirements"
    wheels.mkdir()
    (requirements / "build.txt").write_text(make_wheel(wheels, "tool"))
    (requirements / "desk.txt").write_text(make_wheel(wheels, "carried"))
    steps = {step.name: step for step in setup.list_steps("desk", wheels=wheels)}
    assert list(steps) == ["venv", "python-run", "project", "catalogue"]
    setup.take(steps["venv"])
    setup.take(steps["python-run"])
    code = "import carried; print(carried.HERE)"
    done = subprocess.run([setup.PYTHON, "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout == "True\n"


def test_setup_desk_when_a_wheel_is_not_the_written_one_then_it_stops(
    setup: ModuleType, tmp_path: Path
) -> None:
    """A wheel that was exchanged on the stick is not installed."""
    wheels, requirements = tmp_path / "wheels", tmp_path / "place" / "requirements"
    wheels.mkdir()
    (requirements / "build.txt").write_text(make_wheel(wheels, "tool"))
    (requirements / "desk.txt").write_text(make_wheel(wheels, "carried"))
    with zipfile.ZipFile(wheels / "carried-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("carried_too.py", "")
    steps = {step.name: step for step in setup.list_steps("desk", wheels=wheels)}
    setup.take(steps["venv"])
    with pytest.raises(setup.StepError):
        setup.take(steps["python-run"])
    assert "DO NOT MATCH THE HASHES" in (setup.STAMPS / "python-run.log").read_text()


def test_setup_desk_when_its_requirements_are_listed_then_it_needs_neither_tor_nor_browsers(
    setup: ModuleType,
) -> None:
    """A workstation without network can install nothing more, so it needs as little as can be."""
    assert [one.name for one in setup.list_requirements("desk", search_path="")] == [
        "python3-venv",
        "bubblewrap",
    ]


@pytest.mark.parametrize("words", [["run", "--wheels", "."], ["desk", "--wheels", "none"]])
def test_setup_when_wheels_cannot_be_used_then_usage_error(words: list[str]) -> None:
    """Wheels are for the desk, and their folder must be there."""
    done = subprocess.run(
        [sys.executable, ROOT / "script/setup.py", *words], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--wheels needs desk" in done.stderr


@pytest.mark.long
def test_page_when_its_commands_are_run_without_network_then_the_program_is_there(
    tmp_path: Path,
) -> None:
    """The page's commands bring the program to a machine without network (needs the registry)."""
    shell = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    made, arrived, looked = (
        block.replace("/tmp/", f"{tmp_path}/stick/")
        .replace("/media/stick", f"{tmp_path}/stick")
        .replace("/opt", f"{tmp_path}/opt")
        .replace("/usr/local/bin", f"{tmp_path}/bin")
        for block in shell
    )
    for name in ("stick", "opt", "bin"):
        (tmp_path / name).mkdir()
    told = subprocess.run(
        ["bash", "-eu", "-c", made], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "bash", "-eu", "-c", arrived + looked],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert told in done.stdout
    assert "tipline 0." in done.stdout
