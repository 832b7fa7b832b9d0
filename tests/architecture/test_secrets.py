"""A secret has one door, and every place that opens it was looked at."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Where `.reveal()` is called, and why it must be.
REVIEWED = {
    "crypto/age/header.py": "the header's MAC is keyed with the file key",
    "crypto/age/hybrid.py": "the file key is wrapped; an identity is expanded, read and written",
    "crypto/age/keys.py": "identity files are read and written",
    "crypto/age/scrypt.py": "the file key is wrapped under the passphrase",
    "crypto/age/stream.py": "the payload's key comes from the file key",
    "crypto/age/x25519.py": "the file key is wrapped; an identity is expanded, read and written",
    "crypto/data_key.py": "a record's data key is wrapped and unwrapped",
    "crypto/note.py": "a signing key signs, is read and written",
    "crypto/pseudonym.py": "a number is hashed under the epoch key, and the seed of it hardened",
    "crypto/stored.py": "slices are sealed and opened under the data key",
    "crypto/window.py": "keys come from a day's, mark senders and messages, and seal what relates",
    "retention/log/arrivals.py": "a day's seed makes the noise and the order of its tree",
    "retention/slot.py": "a slot's bytes are written",
    "retention/slot_root.py": "slots are sealed and opened under the root",
    "retention/slot_steps.py": "the file's own slots hold no secret, in the same form",
    "retention/tpm_root.py": "a root is written into the TPM",
    "tipline/answer_key.py": "the key for answers is written into the instance",
    "tipline/commands/age.py": "a new identity is written where the caller asked",
    "tipline/demonstration/line.py": "the demonstration's own throwaway identity",
    "tipline/desk/ceremony.py": "the client key is read to tell its public half",
    "tipline/desk/keyfiles.py": "key files are sealed under a passphrase, and read",
    "tipline/desk/torclient.py": "tor is given the key that reaches the desk's onion",
    "tipline/gateway/kinds/telegram.py": "the bot's token is part of an address",
    "tipline/gateway/kinds/twilio.py": "the account's token is shown to the API",
    "tipline/gateway/kinds/twilio_signature.py": "the account's token signs what comes",
    "tipline/gateway/kinds/whatsapp.py": "the access token is shown to the API",
    "tipline/gateway/kinds/capcom6.py": "the phone's app is given its user's password",
    "tipline/gateway/kinds/kannel.py": "smsbox is given a password, and shows one",
    "tipline/gateway/signatures.py": "what a gateway signed is checked, what we send it is signed",
    "tipline/gateway/trial_requests.py": "a message that is tried is signed as its gateway would",
    "tipline/handover.py": "the key of the slots goes into the sealed file, and nowhere else",
    "tipline/mail.py": "the mail server is given its user's password",
    "tipline/service/handles.py": "the seed of a pseudonym goes to the process that hardens it",
    "tipline/service/day_leaves.py": "a day's seed is sealed with its leaves",
    "tipline/instance.py": "the service's signing key is written into the instance",
}


def test_reveal_when_the_code_is_searched_then_only_reviewed_modules_open_a_secret() -> None:
    """INV-11: a new use of a secret's one door is seen and given a reason here."""
    found = set()
    for package in ("crypto", "retention", "tipline"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr == "reveal":
                    found.add(str(path.relative_to(ROOT)))

    assert found == REVIEWED.keys()


def test_secret_when_the_code_is_searched_then_nobody_goes_round_its_door() -> None:
    """INV-11: no module reads the secret's private attribute by its mangled name."""
    mangled = "_Secret__" + "value"
    found = [
        str(path.relative_to(ROOT))
        for package in ("crypto", "retention", "tipline")
        for path in sorted((ROOT / package).rglob("*.py"))
        if mangled in path.read_text()
    ]

    assert found == []
