"""
A witness: it signs what it saw of a log, and never two histories.

Rules:
    1. A checkpoint is signed only if the log goes on from the one that was signed before.
    2. What was signed is on disk before the line leaves: after a crash nothing is forgotten.
    3. One run at a time has a key: the second one is refused, and cannot sign from an old state.
    4. What was signed before is named, or that nothing was: a state that is missing is no reason to
       sign whatever is shown.
    5. A witness vouches for one history. It does not judge what stands there.

Source: C2SP tlog-cosignature.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import nacl.signing

from tipline.audit.errors import InputError, MalformedError
from tipline.audit.notes import WITNESS, Checkpoint, Key, format_cosignature, format_cosigned
from tipline.audit.strict import HASH_BYTES, decode_base64, encode_base64

MAX_KEY_BYTES: Final = 1024
_START: Final = "PRIVATE+KEY+"
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,128}")


def make_key(path: Path, *, name: str) -> Key:
    """
    Make a witness's key.

    Args:
        path: Its file; must not exist.
        name: Without spaces and plus signs.

    Returns:
        The public half, for the desk.

    Raises:
        InputError: the name is not allowed, or the file is there already.
        OSError: it cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise InputError("key")
    seed = os.urandom(HASH_BYTES)
    key = _make_public(name, seed)
    encoded = encode_base64(bytes([WITNESS]) + seed)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as exc:
        raise InputError("exists", path=str(path)) from exc
    with os.fdopen(descriptor, "wb") as file:
        file.write(f"{_START}{name}+{key.id.hex()}+{encoded}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    return key


@contextlib.contextmanager
def lock_key(path: Path) -> Iterator[None]:
    """
    Have a witness's key alone, from before its state is read until after it is written.

    The lock lies on the key and not on the state, which is replaced; it ends with the process.

    Args:
        path: The key's file.

    Raises:
        InputError: another run has it.
        OSError: there is no such file.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise InputError("busy", path=str(path)) from exc
        yield


def cosign(checkpoint: Checkpoint, *, key_file: Path, seconds: int) -> str:
    """
    Sign a checkpoint.

    Args:
        checkpoint: Verified, and found to go on from what was signed before.
        key_file: The witness's key; private to its owner.
        seconds: Since 1970, now.

    Returns:
        The signature line, with its newline.

    Raises:
        InputError: the file does not hold a witness's key, or others can read it.
        OSError: it cannot be read.
    """
    key, seed = _read_key(key_file)
    message = format_cosigned(checkpoint.text, seconds=seconds)
    signature = nacl.signing.SigningKey(seed).sign(message).signature
    return format_cosignature(signature, key=key, seconds=seconds)


def _read_key(path: Path) -> tuple[Key, bytes]:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError("permissions", path=str(path))
        content = file.read(MAX_KEY_BYTES)
    try:
        text = content.decode("utf-8").removesuffix("\n")
        name, key_id, encoded = text.removeprefix(_START).split("+", 2)
        value = decode_base64(encoded)
    except (ValueError, MalformedError) as exc:
        raise InputError("key") from exc
    if not text.startswith(_START) or not _NAME.fullmatch(name):
        raise InputError("key")
    if len(value) != 1 + HASH_BYTES or value[0] != WITNESS:
        raise InputError("key")
    key = _make_public(name, value[1:])
    if key.id.hex() != key_id:
        raise InputError("key")
    return key, value[1:]


def _make_public(name: str, seed: bytes) -> Key:
    public_key = bytes(nacl.signing.SigningKey(seed).verify_key)
    return Key(name=name, type=WITNESS, public_key=public_key)
