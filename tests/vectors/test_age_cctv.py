"""
The C2SP CCTV vectors for age: every file has the outcome that the specification's authors give it.

They come from npm `cctv-age`, which `npm ci` installs; where it is missing, these tests fail.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import subprocess
import zlib
from pathlib import Path

import pytest

from crypto.age.armor import ArmorWriter, open_armor
from crypto.age.file import Identity, open_
from crypto.age.header import encode_header, read_header
from crypto.age.keys import parse_identity
from crypto.age.scrypt import ScryptIdentity
from crypto.age.stream import open_payload, seal_payload
from crypto.errors import (
    CryptoError,
    ForgedError,
    MalformedError,
    NoMatchError,
    TooLargeError,
    WrongPassphraseError,
)
from crypto.secret import Secret

ROOT = Path(__file__).resolve().parents[2]
VECTORS = 143
LIST_VECTORS = """
import * as vectors from "cctv-age";
const encode = ([name, bytes]) => [name, Buffer.from(bytes).toString("base64")];
process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(vectors).map(encode))));
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One file and what must come of it."""

    name: str
    expect: str
    payload_hash: str | None
    file_key: bytes | None
    armored: bool
    identities: list[Identity]
    file: bytes

    def open_file(self) -> io.BytesIO:
        return io.BytesIO(self.file)


def parse_vector(name: str, raw: bytes) -> Vector:
    head, _, file = raw.partition(b"\n\n")
    fields = [line.split(": ", 1) for line in head.decode().splitlines()]
    values = {field[0]: field[1] for field in fields}
    if values.get("compressed") == "zlib":
        file = zlib.decompress(file)
    identities: list[Identity] = []
    for key, value in fields:
        if key == "identity":
            identities.append(parse_identity(Secret(value.encode())))
        elif key == "passphrase":
            identities.append(ScryptIdentity(Secret(value.encode())))
    return Vector(
        name=name,
        expect=values["expect"],
        payload_hash=values.get("payload"),
        file_key=bytes.fromhex(values["file key"]) if "file key" in values else None,
        armored=values.get("armored") == "yes",
        identities=identities,
        file=file,
    )


@pytest.fixture(scope="module")
def vectors() -> list[Vector]:
    result = subprocess.run(
        ["node", "--input-type=module", "--eval", LIST_VECTORS],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    found = json.loads(result.stdout)
    return [parse_vector(name, base64.b64decode(raw)) for name, raw in sorted(found.items())]


def name_outcome(error: CryptoError) -> str:
    """Say in the vectors' words which kind of failure an error is."""
    part = error.detail.partition(":")[0]
    if isinstance(error, NoMatchError | WrongPassphraseError):
        return "no match"
    if isinstance(error, MalformedError | TooLargeError):
        return {"age header": "header failure", "age armor": "armor failure"}[part]
    assert isinstance(error, ForgedError)
    return {"age header": "HMAC failure", "age payload": "payload failure"}[part]


def open_vector(vector: Vector) -> tuple[str, bytes]:
    """Open a vector; give the outcome and what was released before it."""
    released = io.BytesIO()
    source = open_armor(vector.open_file()) if vector.armored else vector.open_file()
    try:
        open_(source, released, identities=vector.identities)
    except CryptoError as error:
        return name_outcome(error), released.getvalue()
    return "success", released.getvalue()


def test_vectors_when_listed_then_there_are_exactly_as_many_as_known(
    vectors: list[Vector],
) -> None:
    """No vector is lost, and a new one is noticed."""
    assert len(vectors) == VECTORS
    assert {vector.expect for vector in vectors} == {
        "success",
        "no match",
        "HMAC failure",
        "header failure",
        "payload failure",
        "armor failure",
    }


def test_vectors_when_opened_then_each_has_its_outcome(vectors: list[Vector]) -> None:
    """Each file opens, or fails in the layer in which it is broken."""
    outcomes = {vector.name: open_vector(vector)[0] for vector in vectors}

    assert outcomes == {vector.name: vector.expect for vector in vectors}


def test_vectors_when_opened_then_each_releases_its_payload_and_no_more(
    vectors: list[Vector],
) -> None:
    """What is released, also before a failure, is what the vector says."""
    released = {vector.name: open_vector(vector)[1] for vector in vectors}

    for vector in vectors:
        if vector.payload_hash is None:
            assert released[vector.name] == b"", vector.name
        else:
            digest = hashlib.sha256(released[vector.name]).hexdigest()
            assert digest == vector.payload_hash, vector.name


def test_headers_when_they_parse_then_they_encode_to_the_same_bytes(
    vectors: list[Vector],
) -> None:
    """Whatever parses has one spelling."""
    count = 0
    for vector in vectors:
        if vector.expect in {"header failure", "armor failure"}:
            continue
        source = open_armor(vector.open_file()) if vector.armored else vector.open_file()
        binary = source.read()
        header = read_header(io.BytesIO(binary))
        assert binary.startswith(encode_header(header)), vector.name
        count += 1
    assert count > 50


def test_armor_when_it_parses_then_it_is_written_again_up_to_line_ends(
    vectors: list[Vector],
) -> None:
    """Armor has one spelling but for line ends and whitespace around it."""
    count = 0
    for vector in vectors:
        if not vector.armored or vector.expect == "armor failure":
            continue
        written = io.BytesIO()
        armor = ArmorWriter(written)
        armor.write(open_armor(vector.open_file()).read())
        armor.close()
        canonical = vector.file.replace(b"\r\n", b"\n").strip() + b"\n"
        assert written.getvalue() == canonical, vector.name
        count += 1
    assert count > 5


def test_payloads_when_they_open_then_they_seal_to_the_same_bytes(vectors: list[Vector]) -> None:
    """Under the same file key and nonce a payload has one sealing."""
    count = 0
    for vector in vectors:
        if vector.expect != "success" or vector.file_key is None:
            continue
        source = open_armor(vector.open_file()) if vector.armored else vector.open_file()
        binary = source.read()
        payload = binary[len(encode_header(read_header(io.BytesIO(binary)))) :]
        file_key = Secret(vector.file_key)
        opened, sealed = io.BytesIO(), io.BytesIO()
        open_payload(io.BytesIO(payload), opened, file_key=file_key)
        seal_payload(io.BytesIO(opened.getvalue()), sealed, file_key=file_key, nonce=payload[:16])
        assert sealed.getvalue() == payload, vector.name
        count += 1
    assert count > 15
