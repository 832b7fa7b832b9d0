"""Keys of witnesses."""

from __future__ import annotations

import base64
import hashlib

import pytest
from nacl.signing import SigningKey

from crypto.cosignature import WitnessVerifier, verify_cosignature
from crypto.errors import ForgedError, MalformedError
from crypto.note import Signer

KEY = bytes(range(32))
WITNESS = WitnessVerifier(name="audit.example/w1", public_key=KEY)


def test_witness_when_written_then_its_key_id_covers_its_type() -> None:
    """The text follows C2SP: the id is over name, newline, 0x04 and key."""
    key_id = hashlib.sha256(b"audit.example/w1\n\x04" + KEY).digest()[:4]
    encoded = base64.b64encode(b"\x04" + KEY).decode()

    assert WITNESS.format() == f"audit.example/w1+{key_id.hex()}+{encoded}"
    assert WitnessVerifier.parse(WITNESS.format()) == WITNESS


@pytest.mark.parametrize(
    "untrusted",
    [
        "",
        "audit.example/w1",
        WITNESS.format() + "A",
        WITNESS.format().replace("w1", "w2"),
        WITNESS.format().replace("audit", "au dit"),
        WITNESS.format() + " ",
        "x" * 600,
        f"w+00000000+{base64.b64encode(bytes([4]) + KEY[1:]).decode()}",
        f"w+00000000+{base64.b64encode(bytes([4]) + KEY).decode()}",
        Signer.generate("audit.example").verifier().format(),
    ],
)
def test_witness_when_the_text_is_off_then_it_is_refused(untrusted: str) -> None:
    """A key of another type, length or id is no witness's key."""
    with pytest.raises(MalformedError):
        WitnessVerifier.parse(untrusted)


CHECKPOINT = "tipline-log/0011223344556677\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def cosign(text: str, *, seconds: int, verifier: WitnessVerifier, key: SigningKey) -> str:
    """Sign as a witness does."""
    message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
    value = verifier.key_id + seconds.to_bytes(8, "big") + key.sign(message).signature
    return f"\N{EM DASH} {verifier.name} {base64.b64encode(value).decode()}"


@pytest.fixture
def witness() -> tuple[WitnessVerifier, SigningKey]:
    """A witness's key, both halves."""
    key = SigningKey(b"\x03" * 32)
    return WitnessVerifier(name="witness.example/w1", public_key=bytes(key.verify_key)), key


def test_cosignature_when_it_holds_then_its_time_is_told(
    witness: tuple[WitnessVerifier, SigningKey],
) -> None:
    """A witness's line verifies over the checkpoint it saw."""
    verifier, key = witness
    line = cosign(CHECKPOINT, seconds=1679315147, verifier=verifier, key=key)

    assert verify_cosignature(line, text=CHECKPOINT, verifier=verifier) == 1679315147


def test_cosignature_when_text_time_or_signature_is_another_then_it_is_forged(
    witness: tuple[WitnessVerifier, SigningKey],
) -> None:
    """Nothing of what was signed can be changed."""
    verifier, key = witness
    line = cosign(CHECKPOINT, seconds=5, verifier=verifier, key=key)
    name, value = line.rpartition(" ")[0], base64.b64decode(line.rpartition(" ")[2])
    later = value[:4] + (6).to_bytes(8, "big") + value[12:]
    bent = value[:-1] + bytes([value[-1] ^ 1])

    with pytest.raises(ForgedError):
        verify_cosignature(line, text=CHECKPOINT.replace("\n7\n", "\n8\n"), verifier=verifier)
    for wrong in (later, bent):
        with pytest.raises(ForgedError):
            verify_cosignature(
                f"{name} {base64.b64encode(wrong).decode()}", text=CHECKPOINT, verifier=verifier
            )


def test_cosignature_when_it_is_of_another_key_or_shape_then_it_is_malformed(
    witness: tuple[WitnessVerifier, SigningKey],
) -> None:
    """A line of another key, or that lacks its time, is no cosignature of this witness."""
    verifier, key = witness
    other = WitnessVerifier(name="witness.example/w2", public_key=verifier.public_key)
    far = 2**63
    plain = verifier.key_id + key.sign(CHECKPOINT.encode()).signature
    lines = [
        cosign(CHECKPOINT, seconds=5, verifier=other, key=key),
        cosign(CHECKPOINT, seconds=far, verifier=verifier, key=key),
        f"\N{EM DASH} {verifier.name} {base64.b64encode(plain).decode()}",
        "no signature line",
    ]
    for line in lines:
        with pytest.raises(MalformedError):
            verify_cosignature(line, text=CHECKPOINT, verifier=verifier)
