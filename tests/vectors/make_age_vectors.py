"""
Makes `age_own.json`, our own age vectors: one valid file and files with exactly one defect each.

Run `python tests/vectors/make_age_vectors.py` to make them anew. They were made once and are
committed, because the encapsulations in them are random: a test reads them, and never this module.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path

from crypto.age.file import seal
from crypto.age.header import Header, encode_header, make_header, read_header
from crypto.age.hybrid import HybridIdentity
from crypto.age.stream import seal_payload
from crypto.secret import Secret

FILE = Path(__file__).parent / "age_own.json"
PLAIN = b"One tip, two chunks of thought.\n"
IDENTITY = HybridIdentity(Secret(hashlib.sha256(b"tipline own vectors").digest()))
OTHER = HybridIdentity(Secret(hashlib.sha256(b"tipline own vectors, other").digest()))


def make_file() -> tuple[bytes, Header, bytes]:
    """Seal the base file; give it whole, and its header and payload."""
    sealed = io.BytesIO()
    seal(io.BytesIO(PLAIN), sealed, recipients=[OTHER.recipient(), IDENTITY.recipient()])
    whole = sealed.getvalue()
    source = io.BytesIO(whole)
    return whole, read_header(source), source.read()


def make_vectors() -> list[dict[str, str]]:
    """Make each vector from a base file of its own."""
    whole, header, payload = make_file()
    text = encode_header(header)
    file_key = IDENTITY.unwrap(header.stanzas)
    assert file_key is not None
    first, second = header.stanzas
    wrong_kind = make_header(
        [
            type(first)(type="MLKEM768X25519", arguments=item.arguments, body=item.body)
            for item in header.stanzas
        ],
        file_key,
    )
    no_argument = make_header(
        [first, type(second)(type=second.type, arguments=(), body=second.body)], file_key
    )
    swapped = Header(stanzas=(second, first), mac=header.mac)
    _, other_header, _ = make_file()
    other_mac = Header(stanzas=header.stanzas, mac=other_header.mac)
    unmarked = io.BytesIO()
    seal_payload(io.BytesIO(bytes(65536) + PLAIN), unmarked, file_key=file_key, nonce=payload[:16])
    changed_nonce = bytes([payload[0] ^ 1]) + payload[1:]
    cases = [
        ("valid", "none", "success", whole),
        ("version_2", "the version line says v2", "malformed", whole.replace(b"/v1\n", b"/v2\n")),
        (
            "version_crlf",
            "the version line ends with CRLF",
            "malformed",
            b"".join((text.replace(b"v1\n", b"v1\r\n"), payload)),
        ),
        (
            "stanzas_swapped",
            "two stanzas changed places",
            "forged",
            encode_header(swapped) + payload,
        ),
        (
            "mac_of_another_file",
            "the MAC is that of another file",
            "forged",
            encode_header(other_mac) + payload,
        ),
        (
            "type_in_upper_case",
            "the stanzas' type is in upper case",
            "no_match",
            encode_header(wrong_kind) + payload,
        ),
        (
            "argument_missing",
            "a hybrid stanza has no encapsulated key",
            "malformed",
            encode_header(no_argument) + payload,
        ),
        ("nonce_changed", "one bit of the payload's nonce differs", "forged", text + changed_nonce),
        ("nonce_cut", "the file ends within the payload's nonce", "malformed", text + payload[:15]),
        ("byte_after_the_end", "one byte follows the last chunk", "forged", whole + b"\0"),
        ("byte_before_the_end_missing", "the last byte is missing", "forged", whole[:-1]),
        (
            "first_chunk_dropped",
            "the first of two chunks is missing",
            "forged",
            text + payload[:16] + unmarked.getvalue()[16 + 65552 :],
        ),
    ]
    return [
        {
            "name": name,
            "source": "made by tests/vectors/make_age_vectors.py",
            "defect": defect,
            "expect": expect,
            "identity": IDENTITY.format().reveal().decode(),
            "file": base64.b64encode(file).decode(),
        }
        for name, defect, expect, file in cases
    ]


if __name__ == "__main__":
    FILE.write_text(json.dumps(make_vectors(), indent=1) + "\n")
