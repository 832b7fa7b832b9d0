"""Checkpoints."""

from __future__ import annotations

import hashlib

import pytest

from crypto.errors import ForgedError, MalformedError
from crypto.note import Signer, sign_note
from retention.log.checkpoint import (
    MAX_CHECKPOINT_BYTES,
    Checkpoint,
    make_log_name,
    sign_checkpoint,
    split_checkpoint,
    verify_checkpoint,
)

ROOT_HASH = hashlib.sha256(b"root").digest()


def make_checkpoint(log: Signer, size: int = 417) -> Checkpoint:
    """Make a checkpoint of this log."""
    return Checkpoint(origin=log.name, size=size, root=ROOT_HASH)


def test_checkpoint_when_signed_then_it_verifies_as_the_same(log: Signer) -> None:
    """What is signed is what is read."""
    note = sign_checkpoint(make_checkpoint(log), log)

    assert verify_checkpoint(note, log.verifier()) == make_checkpoint(log)
    text, lines = split_checkpoint(note)
    assert text == make_checkpoint(log).format()
    assert len(lines) == 1


def test_checkpoint_when_witnesses_signed_it_then_it_still_verifies(log: Signer) -> None:
    """Lines of others are passed over, up to a bound."""
    note = sign_checkpoint(make_checkpoint(log), log)
    line = note.decode().splitlines()[-1]
    others = [line.replace(log.name, f"witness.example/{number}") for number in range(17)]

    good = note + "".join(f"{other}\n" for other in others[:16]).encode()
    assert verify_checkpoint(good, log.verifier()) == make_checkpoint(log)
    with pytest.raises(MalformedError):
        verify_checkpoint(good + f"{others[16]}\n".encode(), log.verifier())


def test_name_when_the_root_is_another_then_the_log_is_another(root: Signer) -> None:
    """No log passes for another line's."""
    name = make_log_name(root.verifier())
    digits = hashlib.sha256(root.verifier().format().encode()).hexdigest()[:16]

    assert name == f"tipline-log/{digits}"
    assert make_log_name(Signer.generate("tipline-root").verifier()) != name


def test_signing_when_the_log_is_empty_or_anothers_then_it_is_refused(
    log: Signer, root: Signer
) -> None:
    """A log signs its own checkpoints, and none of nothing."""
    with pytest.raises(ValueError, match="empty"):
        sign_checkpoint(make_checkpoint(log, size=0), log)
    with pytest.raises(ValueError, match="own"):
        sign_checkpoint(make_checkpoint(log), root)


@pytest.mark.parametrize(
    "text",
    [
        "ORIGIN\n417\nROOT\nextension\n",
        "ORIGIN\n417\n",
        "ORIGIN\n0417\nROOT\n",
        "ORIGIN\n0\nROOT\n",
        "ORIGIN\n-1\nROOT\n",
        "ORIGIN\n417\nAAAA\n",
        "ORIGIN\n417\nROOT \n",
        "another\n417\nROOT\n",
        "\n417\nROOT\n",
    ],
)
def test_checkpoint_when_its_text_is_another_then_it_is_malformed(log: Signer, text: str) -> None:
    """A signature does not make another text a checkpoint."""
    root = make_checkpoint(log).format().splitlines()[2]
    note = sign_note(text.replace("ORIGIN", log.name).replace("ROOT", root), log)

    with pytest.raises(MalformedError):
        verify_checkpoint(note, log.verifier())


def test_checkpoint_when_changed_then_it_is_forged(log: Signer) -> None:
    """One more entry is another text."""
    note = sign_checkpoint(make_checkpoint(log), log).replace(b"417", b"418")

    with pytest.raises(ForgedError):
        verify_checkpoint(note, log.verifier())


def test_checkpoint_when_too_long_then_it_is_refused_unread(log: Signer) -> None:
    """What is longer than any of ours is not one."""
    for read in (lambda note: verify_checkpoint(note, log.verifier()), split_checkpoint):
        with pytest.raises(MalformedError):
            read(b"x" * (MAX_CHECKPOINT_BYTES + 1))
