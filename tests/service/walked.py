"""
A line and its desk, by the commands that people give, each on a machine of its own.

A machine is a folder: its home, its temporary files and all that its commands said lie in it, so
that they can be searched.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from retention.policy import EVENTS
from tipline.clock import system_clock
from tipline.example import format_policy

ROOT = Path(__file__).resolve().parents[2]
DESK_PAGE = ROOT / "docs" / "how-to" / "run-a-desk.md"
PERIODS = {name: dict.fromkeys(events, 30) for name, events in EVENTS.items()}
PATIENCE_SECONDS = 180  # a command takes a second, or ten where everybody tests at once
PHRASE = ("--passphrase-file", "passphrase")


class Machine:
    """A folder, and what was said in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = folder / "said"
        for name in ("home", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Leave nothing outside of the folder."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LANGUAGE": "en",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }

    def command(self, *words: str) -> tuple[str, ...]:
        """Make the words of one of our commands."""
        return (sys.executable, "-m", "tipline", *words)

    async def run(self, *words: str, expected: int = 0) -> str:
        """Run a command; tell what it printed, and remember all of it."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, talk = await process.communicate()
        with self.said.open("ab") as file:
            file.write(out + talk)
        assert process.returncode == expected, (words, talk.decode())
        return out.decode()

    async def ask(self, *words: str) -> Any:
        """Run a command for a machine."""
        return json.loads(await self.run(*words, "--json"))

    def save_private(self, name: str, text: str) -> None:
        """Write what others must not read."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)


async def make_keys(desk: Machine) -> None:
    """Make root and reader, as docs/how-to/answer-by-phone.md says, and write down who reads."""
    desk.save_private("passphrase", "correct horse battery staple\n")
    made = await desk.ask("desk", "keygen", "--root", "--out", "root.age", *PHRASE)
    (desk.folder / "root").write_text(made["root"])
    reader = await desk.ask("desk", "keygen", "--reader", "ana", "--out", "ana.age", *PHRASE)
    (desk.folder / "readers.toml").write_text(show_readers(reader))


class Walked:
    """Three machines: the line's, the desk's on the network, and the desk's without one."""

    def __init__(self, folder: Path, *, keys: Path) -> None:
        shutil.copytree(keys, folder / "w")
        self.server = Machine(folder / "s")
        self.networked = Machine(folder / "n")
        self.workstation = Machine(folder / "w")
        self.line = self.server.folder / "line"
        self._desk_socket = ""
        self._root = ""
        self._count = 0

    @property
    def searched(self) -> tuple[Path, ...]:
        """Where nothing may stand in clear: everywhere but where it is read."""
        return (self.server.folder, self.networked.folder)

    async def set_up(self, gateways: str, secrets: dict[str, dict[str, str]]) -> None:
        """Make line and keyset as docs/how-to/set-up-a-line.md says, and the gateways."""
        desk, server = self.workstation, self.server
        self._root = (desk.folder / "root").read_text()
        policy = format_policy(PERIODS, translate=lambda text: text)
        (server.folder / "policy").write_bytes(policy)
        line = await server.ask(
            *("init", "line", "--root", self._root, "--name", "Harbour", "--emergency", "112"),
            *("--policy", "policy"),
        )
        answers = (await server.run("gateway", "answers", "line")).strip()
        await desk.ask(
            *("desk", "keyset", "--root", "root.age", "--readers", "readers.toml", "--yes"),
            *("--service", line["service"], "--log", line["log"], "--answers", answers),
            *("--out", "keyset-1", *PHRASE),
        )
        shutil.copy(desk.folder / "keyset-1", server.folder)
        await server.run("keyset", "line", "keyset-1")
        (self.line / "gateways.toml").write_text(gateways)
        for name, values in secrets.items():
            text = "".join(f'{key} = "{value}"\n' for key, value in values.items())
            server.save_private(f"line/keys/gateway-{name}", text)

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve the line, and stop it as the system does."""
        server = self.server
        with server.said.open("ab") as said:
            process = await asyncio.create_subprocess_exec(
                *server.command("serve", "line", "--no-tor", "--json"),
                cwd=server.folder,
                env=server.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=said,
            )
            try:
                assert process.stdout is not None
                told = await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)
                assert told, server.said.read_text()
                self._desk_socket = f"unix:{server.folder / json.loads(told)['desk_socket']}"
                yield
                assert process.returncode is None, server.said.read_text()
            finally:
                if process.returncode is None:
                    process.terminate()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    rest, _ = await process.communicate()
                said.write(rest)
        assert process.returncode == 0

    async def fetch(self, count: int) -> list[dict[str, Any]]:
        """Pull until as many tips as expected are there, carry them over, open and show them."""
        desk = self.workstation
        root = () if (self.networked.folder / "memory").exists() else ("--root", self._root)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                self._count += 1
                bundle = f"bundle-{self._count}"
                pulled = await self.networked.ask(
                    *("desk", "pull", self._desk_socket, "--memory", "memory", *root),
                    *("--out", bundle),
                )
                if pulled["tips"] >= count:
                    break
                root = ()
        shutil.copy(self.networked.folder / bundle, desk.folder)
        root = () if (desk.folder / "vault").exists() else ("--root", self._root)
        await desk.ask("desk", "open", bundle, "--vault", "vault", "-i", "ana.age", *PHRASE, *root)
        listed = (await desk.ask("desk", "list", "--vault", "vault"))["tips"]
        assert len(listed) == count
        return [await desk.ask("desk", "show", one["id"], "--vault", "vault") for one in listed]

    async def reply(self, tip_id: str, text: str, *, unit: str) -> str:
        """Write an answer and a status, sign them into one file; tell its name."""
        desk = self.workstation
        (desk.folder / "answer.txt").write_text(text)
        self._count += 1
        out = f"answers-{self._count}"
        common = ("--vault", "vault", "--signing", "ana.age.signing", "--out", out, *PHRASE)
        await desk.ask("desk", "reply", tip_id, *common, "--text", "answer.txt")
        await desk.ask("desk", "status", tip_id, *common, "--set", "review", "--unit", unit)
        shutil.copy(desk.folder / out, self.networked.folder)
        return out

    async def push(self, answers: str) -> list[str]:
        """Bring a file of answers; tell what became of each."""
        told = await self.networked.ask("desk", "push", answers, self._desk_socket)
        return [one["outcome"] for one in told["items"]]


def show_readers(made: dict[str, str]) -> str:
    """Fill in `readers.toml` as docs/how-to/run-a-desk.md shows it, for a reader who answers."""
    (form,) = re.findall(r"^```toml\n(.*?)^```$", DESK_PAGE.read_text(), re.DOTALL | re.MULTILINE)
    key = f'recipient = "{made["recipient"]}"\nsigning = "{made["signing"]}"'
    filled = form.replace('recipient = "age1pq1…"', key)
    assert filled != form
    return re.sub(r"\d{4}-\d\d-\d\d", system_clock().date().isoformat(), filled)
