"""
One tor process of the private network: started, asked, ended by its own id.

stem's `Controller` is not used here: it takes the ownership of a tor that names our process as its
owner, and then closing the controller ends that tor. stem's framing of messages is.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import stem
import stem.socket

from tipline.privatetor.keys import NO_OTHER_CONFIGURATION

# A local process answers in milliseconds; one that does not within this is stuck.
REPLY_SECONDS: Final = 5
# tor ends within a second of SIGTERM; a sandboxed one was seen to ignore it.
END_SECONDS: Final = 5
LOG_TAIL_LEN: Final = 6


class Node:
    """
    A tor process with its own directory.

    Args:
        nickname: Letters and digits.
        directory: Made here, mode 0700.
        tor: Path of the program.
    """

    def __init__(self, nickname: str, *, directory: Path, tor: str) -> None:
        self.nickname = nickname
        self.directory = directory
        self.control_socket = directory / "control"
        self._tor = tor
        self._process: subprocess.Popen[bytes] | None = None
        self._control: _Control | None = None
        directory.mkdir(mode=0o700)

    @property
    def pid(self) -> int | None:
        """The process's id; None before the start."""
        return None if self._process is None else self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process was started and is gone."""
        return self._process is not None and self._process.poll() is not None

    def start(self, lines: Sequence[str]) -> None:
        """
        Start the process.

        Args:
            lines: Its whole configuration.
        """
        torrc = self.directory / "torrc"
        torrc.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        with (self.directory / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self._tor, *NO_OTHER_CONFIGURATION, "-f", str(torrc), "--quiet"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )

    def ask(self, line: str) -> str | None:
        """
        Send a line of the control protocol.

        Args:
            line: Without its end.

        Returns:
            The reply; None while the process is not ready to talk.
        """
        try:
            if self._control is None:
                self._control = _Control(
                    self.control_socket, cookie=self.directory / "control_auth_cookie"
                )
            return self._control.ask(line)
        except (OSError, stem.ControllerError):
            self._hang_up()
            return None

    def end(self) -> None:
        """Ask the process to end, wait for it, and kill it if it does not."""
        self._hang_up()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def reset(self) -> None:
        """End the process and begin again with an empty directory."""
        self.end()
        shutil.rmtree(self.directory)
        self.directory.mkdir(mode=0o700)

    def read_log_tail(self) -> str:
        """
        Read the last lines of the process's log.

        Returns:
            Some lines; empty before there is a log.
        """
        log = self.directory / "notice.log"
        if not log.exists():
            return ""
        return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-LOG_TAIL_LEN:])

    def _hang_up(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None


class _Control:
    """An authenticated control connection."""

    def __init__(self, path: Path, *, cookie: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(REPLY_SECONDS)
            self._socket.connect(os.fspath(path))
            self._stream = self._socket.makefile("rwb")
            reply = self.ask("AUTHENTICATE " + cookie.read_bytes().hex())
        except BaseException:
            self._socket.close()
            raise
        if not reply.startswith("250"):
            self.close()
            raise stem.ControllerError("the cookie was refused")

    def ask(self, line: str) -> str:
        stem.socket.send_message(self._stream, line)
        reply: str = stem.socket.recv_message(self._stream).raw_content()
        return reply

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
