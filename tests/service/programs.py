"""The programs of gateways, run for a test: gammu-smsd with its dummy modem, and Kannel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from tests.service.shown import fill, show_block

MEMORY = Path("/dev/shm")  # where a spool may lie: tmpfs
LOOK_SECONDS = 0.05


@contextlib.contextmanager
def make_memory_folder() -> Iterator[Path]:
    """Make a folder in memory."""
    path = Path(tempfile.mkdtemp(prefix="phones-", dir=MEMORY))
    yield path
    shutil.rmtree(path)


def find_port() -> int:
    """Find a port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.asynccontextmanager
async def run(*command: str, log: Path) -> AsyncIterator[None]:
    """
    Run a program as long as the context lasts; what it prints goes into a file.

    What it leaves at home, or among temporary files, lies beside that file.
    """
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/bin",
        "HOME": str(log.parent),
        "TMPDIR": str(log.parent),
        "LC_ALL": "C.UTF-8",
    }
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=log.parent,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield
            assert process.returncode is None
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(30):
                await process.wait()


async def wait_for_port(port: int) -> None:
    """Wait until somebody listens."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                writer.close()
                return


class Modem:
    """gammu's dummy modem: messages are put into it as if the network brought them."""

    def __init__(self, folder: Path, changes: dict[str, str] | None = None) -> None:
        """Set it up as docs/how-to/phones.md says, but for *changes*."""
        self.folder = folder
        self.spool = folder / "spool"
        self.sent = folder / "sent"  # what the phone side got
        for path in (folder / "modem", self.sent, *(self.spool / name for name in SPOOL)):
            path.mkdir(parents=True)
        self._delivered_len = 0
        self.configuration = folder / "smsdrc"
        self.log = folder / "log"
        hook = folder / "on-sent"
        # gammu-smsd itself tells what it sent, and to whom, in the environment of this.
        hook.write_text(
            f'#!/bin/sh\nprintf "%s\\n%s" "$SMS_1_NUMBER" "$SMS_1_TEXT" >{self.sent}/$$\n'
        )
        hook.chmod(0o700)
        shown = fill(
            show_block("[gammu]"),
            {
                # The modem of a test, which needs no device.
                "device = /dev/ttyUSB0": f"device = {folder / 'modem'}",
                "connection = at": "model = dummy\nconnection = none",
                "/run/tipline-phones": str(self.spool),
                **(changes or {}),
            },
        )
        self.configuration.write_text(f"{shown}runonsent = {hook}\n{SOON}")

    async def bring(self, sender: str, text: str, *options: str) -> None:
        """Let a message come from the network."""
        process = await asyncio.create_subprocess_exec(
            "gammu",
            "-c",
            str(self.configuration),
            *("savesms", "TEXT", "-folder", "1", "-unread", "-sender", sender, *options),
            *("-text", text),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output

    def deliver(self, sender: str, text: str, *, sent: str) -> None:
        """Let a message come as the network has it, with the second at the carrier."""
        lines = (
            "[SMSBackup000]",
            *("PDU = Deliver", f"DateTime = {sent}", "State = UnRead", f'Number = "{sender}"'),
            f"Text00 = {text.encode('utf-16-be').hex().upper()}",
            *("Coding = Default_No_Compression", "Folder = 1", f"Length = {len(text)}"),
            *("Class = -1", "ReplySMSC = False", "RejectDuplicates = False"),
            *("ReplaceMessage = 0", "MessageReference = 0", "", ""),
        )
        self._delivered_len += 1
        whole = self.folder / "whole"
        whole.write_text("\n".join(lines))
        inbox = self.folder / "modem" / "sms" / "1"
        inbox.mkdir(parents=True, exist_ok=True)
        whole.rename(inbox / str(100 + self._delivered_len))

    @contextlib.asynccontextmanager
    async def drive(self) -> AsyncIterator[None]:
        """Run gammu-smsd."""
        async with run("gammu-smsd", "-c", str(self.configuration), log=self.log):
            yield

    async def wait_sent(self) -> tuple[str, str]:
        """Wait until a message went out; tell to whom, and what it said."""
        async with asyncio.timeout(30):
            while not (found := [path for path in self.sent.iterdir() if path.stat().st_size]):  # noqa: ASYNC110  # a file says nothing when it comes
                await asyncio.sleep(LOOK_SECONDS)
        number, _, text = found[0].read_text("utf-8").partition("\n")
        found[0].unlink()
        return number, text


SPOOL = ("inbox", "outbox", "error")
# A modem is asked each 15 to 30 seconds otherwise.
SOON = "commtimeout = 1\nloopsleep = 1\nreceivefrequency = 1\n"


class Kannel:
    """bearerbox and smsbox, bound to a carrier."""

    def __init__(
        self, folder: Path, *, smsc_port: int, line_port: int, changes: dict[str, str] | None = None
    ) -> None:
        """Set it up as docs/how-to/phones.md says, but for *changes*."""
        self.send_port, self.box_port = find_port(), find_port()
        self.configuration = folder / "kannel.conf"
        self.logs = (folder / "bearerbox.log", folder / "smsbox.log")
        self.configuration.write_text(
            fill(
                show_block("group = core"),
                {
                    "admin-port = 13000": f"admin-port = {find_port()}",
                    "smsbox-port = 13001": f"smsbox-port = {self.box_port}",
                    "sendsms-port = 13013": f"sendsms-port = {self.send_port}",
                    "CARRIER": "127.0.0.1",
                    "port = 2775": f"port = {smsc_port}\nreconnect-delay = 1",
                    "INBOUND@127.0.0.1:8099": f"inbound-password@127.0.0.1:{line_port}",
                    '"USER"': '"tip"',
                    '"PASSWORD"': '"sendpw"',
                    # So that no test waits for ten seconds.
                    "http-queue-delay = 10": "http-queue-delay = 1",
                    **(changes or {}),
                },
            )
        )

    @contextlib.asynccontextmanager
    async def drive(self) -> AsyncIterator[None]:
        """Run both boxes, one after the other; wait until messages can be sent."""
        configuration = str(self.configuration)
        async with run("/usr/sbin/bearerbox", "-v", "4", configuration, log=self.logs[0]):
            await wait_for_port(self.box_port)
            async with run("/usr/sbin/smsbox", "-v", "4", configuration, log=self.logs[1]):
                await wait_for_port(self.send_port)
                yield
