"""
PDFs that are locked with an empty password, coded here by the standard's own words: neither qpdf
nor the page's code has a part in it (ISO 32000-2, 7.6). Nothing is left to chance, so that each is
the same every time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.pdfs import make_pdf

Code = Callable[[bytes, bytes], bytes]

_FILLING: Final = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_STREAM: Final = re.compile(rb"/Length \d+ >>\nstream\n(.*)\nendstream", re.DOTALL)
_STRING: Final = re.compile(rb"\(([^()\\]*)\)")
_ID: Final = bytes(range(16))
_PERMISSIONS: Final = -44
_FILE_KEY: Final = bytes(range(100, 132))
_NO_VECTOR: Final = bytes(16)
_LOCK: Final = 90  # the number of the object that says how the file is locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """
    How a file is locked.

    Args:
        version: Of the code, as `V` says it.
        revision: Of the keys, as `R` says it.
        key_bytes: How long the file's key is.
        method: Of the one filter; empty if there are none.
    """

    version: int
    revision: int
    key_bytes: int
    method: str = ""


LOCKS: Final[Mapping[str, Lock]] = {
    "rc4-40": Lock(version=1, revision=2, key_bytes=5),
    "rc4-56": Lock(version=2, revision=3, key_bytes=7),
    "rc4-128": Lock(version=2, revision=3, key_bytes=16),
    "rc4-filter": Lock(version=4, revision=4, key_bytes=16, method="V2"),
    "aes-128": Lock(version=4, revision=4, key_bytes=16, method="AESV2"),
    "aes-256-draft": Lock(version=5, revision=5, key_bytes=32, method="AESV3"),
    "aes-256": Lock(version=5, revision=6, key_bytes=32, method="AESV3"),
}


def make_locked_pdf(
    objects: Mapping[int, bytes],
    lock: Lock,
    *,
    root: bytes = b"",
    password: bytes = b"",
    owner: bytes = b"x",
    codes_metadata: bool = True,
) -> bytes:
    """
    Make a PDF like `make_pdf`'s, with all strings (without brackets in them) and streams coded.

    Args:
        objects: By number.
        lock: How.
        root: More entries of the root.
        password: Of the user.
        owner: The other password.
        codes_metadata: Whether streams of the type `Metadata` are coded, too.

    Returns:
        The file.
    """
    said, key = _make_keys(lock, password, owner, codes_metadata=codes_metadata)
    bodies = dict(make_bodies(objects, root))
    code = rc4 if lock.method in ("", "V2") else _code_aes
    for number, body in bodies.items():
        own = key if lock.version == 5 else _make_object_key(lock, key, number)
        is_plain = b"/Type /Metadata" in body and not codes_metadata
        bodies[number] = _code_body(body, own, code, is_plain=is_plain)
    trailer = b"/Encrypt %d 0 R /ID [<%s> <00>]" % (_LOCK, _ID.hex().encode())
    return make_pdf({**bodies, _LOCK: said}, trailer=trailer)


def make_bodies(objects: Mapping[int, bytes], root: bytes) -> Mapping[int, bytes]:
    """Make the bodies that `make_pdf` writes."""
    plain = make_pdf(objects, root=root)
    found = re.finditer(rb"(\d+) 0 obj\n(.*?)\nendobj\n", plain, re.DOTALL)
    return {int(match[1]): match[2] for match in found}


def rc4(key: bytes, data: bytes) -> bytes:
    """Code with RC4."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    coded = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        coded.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(coded)


def _code_body(body: bytes, key: bytes, code: Code, *, is_plain: bool) -> bytes:
    data = None
    if (stream := _STREAM.search(body)) is not None:
        data = stream[1] if is_plain else code(key, stream[1])
        body = body[: stream.start()]
    body = _STRING.sub(lambda match: b"<%s>" % code(key, match[1]).hex().encode(), body)
    if data is None:
        return body
    return body + b"/Length %d >>\nstream\n%s\nendstream" % (len(data), data)


def _make_object_key(lock: Lock, key: bytes, number: int) -> bytes:
    salt = b"sAlT" if lock.method == "AESV2" else b""
    made = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0" + salt)  # PDF's
    return made.digest()[: min(16, lock.key_bytes + 5)]


def _make_keys(
    lock: Lock, password: bytes, owner: bytes, *, codes_metadata: bool
) -> tuple[bytes, bytes]:
    """Say how the file is locked, and with which key."""
    entries = b"/Filter /Standard /V %d /R %d /P %d" % (lock.version, lock.revision, _PERMISSIONS)
    if lock.version == 2:
        entries += b" /Length %d" % (8 * lock.key_bytes)
    if lock.method:
        filters = b" /CF << /F << /CFM /%s >> >> /StmF /F /StrF /F" % lock.method.encode()
        entries += filters + b" /EncryptMetadata %s" % (b"true" if codes_metadata else b"false")
    if lock.version == 5:
        user = _make_entry(lock, password, b"user" * 4, b"")
        owned = _make_entry(lock, owner, b"owns" * 4, user)
        said = {
            "U": user,
            "UE": _cbc(_hash(lock, password, user[40:], b""), _NO_VECTOR, _FILE_KEY),
            "O": owned,
            "OE": _cbc(_hash(lock, owner, owned[40:], user), _NO_VECTOR, _FILE_KEY),
            "Perms": bytes(16),
        }
        key = _FILE_KEY
    else:
        owned = _make_owner(lock, password, owner)
        key = _make_file_key(lock, password, owned, codes_metadata=codes_metadata)
        said = {"O": owned, "U": _make_user(lock, key)}
    for name, value in said.items():
        entries += b" /%s <%s>" % (name.encode(), value.hex().encode())
    return b"<< %s >>" % entries, key


def _md5(data: bytes, lock: Lock) -> bytes:
    digest = hashlib.md5(data).digest()  # PDF's
    for _ in range(50 if lock.revision >= 3 else 0):
        digest = hashlib.md5(digest[: lock.key_bytes]).digest()  # PDF's
    return digest[: lock.key_bytes]


def _code_in_rounds(lock: Lock, key: bytes, data: bytes) -> bytes:
    for i in range(20 if lock.revision >= 3 else 1):
        data = rc4(bytes(byte ^ i for byte in key), data)
    return data


def _make_owner(lock: Lock, password: bytes, owner: bytes) -> bytes:
    key = _md5((owner + _FILLING)[:32], lock)
    return _code_in_rounds(lock, key, (password + _FILLING)[:32])


def _make_file_key(lock: Lock, password: bytes, owned: bytes, *, codes_metadata: bool) -> bytes:
    start = (password + _FILLING)[:32] + owned
    start += _PERMISSIONS.to_bytes(4, "little", signed=True) + _ID
    return _md5(start + (b"" if codes_metadata else b"\xff" * 4), lock)


def _make_user(lock: Lock, key: bytes) -> bytes:
    if lock.revision == 2:
        return rc4(key, _FILLING)
    start = hashlib.md5(_FILLING + _ID).digest()  # PDF's
    return _code_in_rounds(lock, key, start) + bytes(16)


def _make_entry(lock: Lock, password: bytes, salts: bytes, user: bytes) -> bytes:
    return _hash(lock, password, salts[:8], user) + salts


def _hash(lock: Lock, password: bytes, salt: bytes, user: bytes) -> bytes:
    digest = hashlib.sha256(password + salt + user).digest()
    count = 0
    while lock.revision == 6:
        coded = _cbc(digest[:16], digest[16:32], (password + digest + user) * 64)
        kind = ("sha256", "sha384", "sha512")[int.from_bytes(coded[:16]) % 3]
        digest = hashlib.new(kind, coded).digest()
        count += 1
        if count >= 64 and coded[-1] <= count - 32:
            break
    return digest[:32]


def _cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _code_aes(key: bytes, data: bytes) -> bytes:
    fill_len = 16 - len(data) % 16
    vector = hashlib.sha256(data).digest()[:16]
    return vector + _cbc(key, vector, data + bytes([fill_len]) * fill_len)
