"""docs/how-to/set-up-a-line.md, walked: its commands in order, with what it says is carried."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "set-up-a-line.md").read_text()
DESK_PAGE = (ROOT / "docs" / "how-to" / "run-a-desk.md").read_text()
PRINTED = {
    "tipline-root+…": "root",
    "age1pq1…": "recipient",
    "descriptor:x25519:…": "client",
    "tipline-service+…": "service",
    "tipline-log/…": "log",
}
FLAGS = re.DOTALL | re.MULTILINE
# What a person would type, by how the command begins; the first that fits.
ANSWERS = {
    "desk keygen --client": "--json",
    "desk keygen": "--json --passphrase-file passphrase",
    "desk keyset": "--json --yes --passphrase-file passphrase",
    "desk open": "--json --passphrase-file passphrase",
    "init": "--json --name Harbour --emergency 112",
    "doctor": "--json",
}
# serve is walked without Tor, so that no test reaches the real network: the addresses that it would
# show are made up, and the bundle is fetched over the socket that the onion leads to.
SOURCES = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(56)) + ".onion"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the page: a row of its table and the section of the same number."""

    number: int
    machine: str
    named: tuple[str, ...]
    carried: str
    commands: tuple[str, ...]

    def carriage(self) -> Iterator[tuple[str, list[str]]]:
        """Tell what is carried, and to which machines."""
        for thing, machines in re.findall(r"`([^`]+)` → ([\w, ]+)", self.carried):
            yield thing, machines.split(", ")


def read_steps() -> list[Step]:
    """Read the table and the sections; both must tell the same."""
    rows = re.findall(r"^\| (\d+) \| ([\w ]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    sections = re.findall(r"^### (\d+)\. ([\w ]+): [^\n]+\n(.*?)(?=^##)", PAGE, FLAGS)
    assert [(number, machine) for number, machine, _, _ in rows] == [
        (number, machine.lower()) for number, machine, _ in sections
    ]
    return [
        Step(
            number=int(number),
            machine=machine,
            named=tuple(re.findall(r"`(tipline [^`]+)`", named)),
            carried=carried,
            commands=tuple(re.findall(r"^tipline .+$", text, re.MULTILINE)),
        )
        for (number, machine, named, carried), (_, _, text) in zip(rows, sections, strict=True)
    ]


class Machine:
    """A folder, and what was told to whoever sits there."""

    def __init__(self, directory: Path) -> None:
        """Begin with nothing but a passphrase."""
        self.directory = directory
        directory.mkdir()
        (directory / "passphrase").write_text("correct horse battery staple\n")
        (directory / "passphrase").chmod(0o600)
        self.told: dict[str, str] = {}

    def fill(self, command: str) -> list[str]:
        """Put what was told in the place of what the page only hints at."""
        words = shlex.split(command.replace("/srv/tipline", str(self.directory / "line")))[1:]
        hinted = [word for word in words if word.endswith("…") or word == "SOURCES.onion"]
        assert set(hinted) <= self.told.keys(), (command, self.told)
        return [self.told.get(word, word) for word in words]

    def run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run the program as it is installed."""
        return subprocess.run(
            [sys.executable, "-m", "tipline", *words],
            cwd=self.directory,
            env={**os.environ, "LANGUAGE": "en", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # without a terminal to ask at
            timeout=120,
        )


@pytest.fixture
def machines() -> Iterator[dict[str, Machine]]:
    """Three machines, with short paths for the sockets."""
    directory = Path(tempfile.mkdtemp(prefix="set-"))
    names = {"server": "s", "networked machine": "n", "workstation": "w"}
    yield {name: Machine(directory / short) for name, short in names.items()}
    shutil.rmtree(directory)


def answers_to(words: list[str]) -> list[str]:
    """Give what a person would type."""
    command = " ".join(words)
    return next((text.split() for start, text in ANSWERS.items() if command.startswith(start)), [])


def write_as_the_page_says(step: int, machine: Machine) -> None:
    """Fill in the files that a person writes by hand."""
    if step == 2:
        (form,) = re.findall(r"^```toml\n(.*?)^```$", DESK_PAGE, FLAGS)
        filled = form.replace("age1pq1…", machine.told["age1pq1…"])
        (machine.directory / "readers.toml").write_text(filled)
    if step == 4:
        toml = machine.directory / "line" / "tipline.toml"
        text = toml.read_text()
        written = text.replace(
            "clients = []", f'clients = ["{machine.told["descriptor:x25519:…"]}"]'
        )
        assert written != text
        toml.write_text(written)
        policy = machine.directory / "line" / "policy.toml"
        policy.write_text(re.sub(r"^# (\w+) =$", r"\1 = 30", policy.read_text(), flags=FLAGS))


def serve(machine: Machine, words: list[str]) -> tuple[subprocess.Popen[str], str]:
    """Serve, without Tor, and return the desk's socket."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tipline", *words, "--no-tor", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["desk_socket"]


def find_codes(done: subprocess.CompletedProcess[str]) -> set[str]:
    return {finding["code"] for finding in json.loads(done.stdout)["findings"]}


def test_page_when_walked_then_each_machine_has_what_it_needs_and_the_line_works(
    machines: dict[str, Machine],
) -> None:
    """Each command runs with nothing but what earlier steps made here or carried here."""
    serving: subprocess.Popen[str] | None = None
    desk_socket = ""
    doctored: list[set[str]] = []
    try:
        for step in read_steps():
            machine = machines[step.machine]
            for command in step.commands:
                words = machine.fill(command)
                if words[0] == "serve":
                    serving, desk_socket = serve(machine, words)
                    machine.told |= {"SOURCES.onion": SOURCES, "DESK.onion": desk_socket}
                    hostname = machine.directory / "line" / "tor" / "onion" / "hostname"
                    hostname.parent.mkdir(parents=True, exist_ok=True)
                    hostname.write_text(f"{SOURCES}\n")
                    continue
                if words[1] == "pull":
                    # The walk has no onion: the socket behind it, which needs no client key.
                    words[2] = f"unix:{machine.told['DESK.onion']}"
                    at = words.index("--client-key")
                    assert (machine.directory / words[at + 1]).is_file()
                    del words[at : at + 2]
                done = machine.run([*words, *answers_to(words)])
                if words[0] == "doctor":
                    doctored.append(find_codes(done))
                    continue
                assert done.returncode == 0, (command, done.stderr)
                for hint, field in PRINTED.items():
                    if done.stdout.startswith("{") and field in json.loads(done.stdout):
                        machine.told[hint] = str(json.loads(done.stdout)[field])
            write_as_the_page_says(step.number, machine)
            for thing, names in step.carriage():
                for name in names:
                    if thing.endswith(("…", ".onion")):
                        machines[name].told[thing] = machine.told[thing]
                    else:
                        shutil.copy(machine.directory / thing, machines[name].directory / thing)
        assert serving is not None
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
    finally:
        if serving is not None:
            serving.kill()
            serving.communicate()
    assert len(doctored) == 2
    about_us = ("keyset", "desk", "policy", "configuration", "instance", "readable", "clock")
    assert [code for codes in doctored for code in codes if code.startswith(about_us)] == []
    line = machines["server"].directory / "line"
    assert SOURCES.encode() in (line / "keyset").read_bytes()
    for name, place in (("workstation", "vault"), ("networked machine", "memory")):
        seen = machines[name].directory / place / "seen"
        assert json.loads(seen.read_text())["number"] == 2


def test_page_when_its_table_names_a_command_then_the_section_gives_it() -> None:
    """The table and the sections name the same commands, in the same order."""
    for step in read_steps():
        assert step.named
        for named, command in zip(step.named, step.commands, strict=False):
            assert set(named.split()) <= set(command.split()), (step.number, named)


def test_page_when_a_private_key_is_made_then_no_step_carries_it() -> None:
    """What is carried is public: no key file leaves the machine on which it was made."""
    steps = read_steps()
    made = {
        name
        for step in steps
        for command in step.commands
        for name in re.findall(r"keygen .*--out (\S+)", command)
    }
    assert len(made) == 3
    assert made & {thing for step in steps for thing, _ in step.carriage()} == set()
