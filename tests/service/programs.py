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
    """Run a program as long as the context lasts; what it prints goes into a file."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.sent = folder / "sent"  # what the phone side got
        for path in (folder / "modem", self.sent, *(self.spool / name for name in SPOOL)):
            path.mkdir(parents=True)
        self.configuration = folder / "smsdrc"
        self.log = folder / "log"
        hook = folder / "on-sent"
        # gammu-smsd itself tells what it sent, and to whom, in the environment of this.
        hook.write_text(
            f'#!/bin/sh\nprintf "%s\\n%s" "$SMS_1_NUMBER" "$SMS_1_TEXT" >{self.sent}/$$\n'
        )
        hook.chmod(0o700)
        self.configuration.write_text(
            SMSDRC.format(modem=folder / "modem", spool=self.spool, hook=hook)
        )

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
SMSDRC = """[gammu]
model = dummy
connection = none
device = {modem}
gammuloc = /dev/null

[smsd]
service = files
logfile = /dev/null
debuglevel = 0
inboxpath = {spool}/inbox/
outboxpath = {spool}/outbox/
sentsmspath = {spool}/outbox/
errorsmspath = {spool}/error/
inboxformat = detail
transmitformat = auto
runonsent = {hook}
commtimeout = 1
loopsleep = 1
receivefrequency = 1
"""


class Kannel:
    """bearerbox and smsbox, bound to a carrier."""

    def __init__(self, folder: Path, *, smsc_port: int, post_url: str) -> None:
        self.send_port = find_port()
        self.configuration = folder / "kannel.conf"
        self.logs = (folder / "bearerbox.log", folder / "smsbox.log")
        self.configuration.write_text(
            KANNEL.format(
                admin_port=find_port(),
                box_port=find_port(),
                send_port=self.send_port,
                smsc_port=smsc_port,
                post_url=post_url,
            )
        )

    @contextlib.asynccontextmanager
    async def drive(self) -> AsyncIterator[None]:
        """Run both boxes, one after the other; wait until messages can be sent."""
        configuration = str(self.configuration)
        async with run("/usr/sbin/bearerbox", "-v", "4", configuration, log=self.logs[0]):
            box_port = next(
                int(line.rpartition(" ")[2])
                for line in self.configuration.read_text().splitlines()
                if line.startswith("smsbox-port")
            )
            await wait_for_port(box_port)
            async with run("/usr/sbin/smsbox", "-v", "4", configuration, log=self.logs[1]):
                await wait_for_port(self.send_port)
                yield


KANNEL = """group = core
admin-port = {admin_port}
admin-password = adminpw
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = {box_port}
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-level = 4
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = carrier
host = 127.0.0.1
port = {smsc_port}
transceiver-mode = true
smsc-username = line
smsc-password = carrierpw
system-type = ""
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send_port}
sendsms-interface = 127.0.0.1
log-level = 4
http-request-retry = 30
http-queue-delay = 1

group = sendsms-user
username = tip
password = sendpw
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
send-sender = true
post-url = "{post_url}"
"""
