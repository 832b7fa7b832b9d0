"""`tipline log`, as an operator runs it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from crypto.age.hybrid import HybridIdentity
from crypto.cosignature import WitnessVerifier, format_cosigned
from crypto.keyset import sign_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from retention.log.batch import ONE_DAY
from retention.log.checkpoint import split_checkpoint
from retention.log.entry import Entry, EntryType, make_statement
from retention.policy import EVENTS
from tipline.configuration import load_configuration
from tipline.instance import Instance, init_instance, load_log_signer
from tipline.keysets import KeysetWatch, install_keyset
from tipline.log_store import LogStore
from tipline.service.sqlite_store import SqliteStore
from tipline.slots import open_slots

TODAY = datetime.datetime.now(datetime.UTC).date()
WITNESS_KEY = SigningKey(b"\x03" * 32)
WITNESS = WitnessVerifier(name="witness.example/1", public_key=bytes(WITNESS_KEY.verify_key))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "tipline", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "LANGUAGE": "en"},
    )


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A line whose log has two batches, and whose keyset names a witness."""
    directory = tmp_path / "line"
    root = Signer.generate("tipline-root")
    names = dict.fromkeys(("en", "es", "pt"), "Harbour")
    texts = {
        f"line.{part}.{language}": "Harbour" for part in ("name", "emergency") for language in names
    }
    service = init_instance(
        directory,
        settings={"root": root.verifier().format(), **texts},
        periods={name: dict.fromkeys(events, 30) for name, events in EVENTS.items()},
        translate=lambda text: text,
        today=TODAY,
    )
    log = load_log_signer(directory)
    reader = Reader(
        id="office",
        name="Office",
        unit="Unit",
        since_on=TODAY,
        recipient=HybridIdentity.generate().recipient(),
    )
    entry = ChannelReader(reader="office", from_on=TODAY, until_on=None, optional=False)
    draft = KeysetDraft(
        valid_from=TODAY,
        valid_until=TODAY,
        service=service.verifier(),
        log=log.verifier(),
        witnesses=(WITNESS,),
        quorum=1,
        onion=None,
        readers=(reader,),
        channels=(Channel(id="city", names=names, categories=(), readers=(entry,)),),
    )
    note = sign_keyset(draft, signer=root, today=TODAY)
    install_keyset(directory, note, root=root.verifier(), minimum=1, today=TODAY)
    with contextlib.closing(
        LogStore(
            directory,
            verifier=log.verifier(),
            today=lambda: TODAY,
            mark_folder=directory / "slots",
        )
    ) as store:
        for day in (TODAY - ONE_DAY, TODAY):
            statement = make_statement(EntryType.BACKUP, on=day)
            store.append_batch([Entry(day=day, statement=statement)], day=day, signer=log)
    return directory


def cosign(checkpoint: bytes, *, key: SigningKey = WITNESS_KEY) -> str:
    """Sign as the witness does."""
    text = split_checkpoint(checkpoint)[0]
    signature = key.sign(format_cosigned(text, seconds=5)).signature
    value = base64.b64encode(WITNESS.key_id + (5).to_bytes(8, "big") + signature).decode()
    return f"\N{EM DASH} {WITNESS.name} {value}"


def test_log_when_exported_then_its_files_and_its_key_are_told(line: Path, tmp_path: Path) -> None:
    """The folder has what is served; the key that checks it is told."""
    output = tmp_path / "out"
    done = run("log", line, "export", output)
    key = load_log_signer(line).verifier().format()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"2 entries are in {output}.\nTheir key: {key}\n"
    files = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
    assert files == {"checkpoint", "keyset", "tile/0/000.p/2", "tile/entries/000.p/2"}
    assert (output / "keyset").read_bytes() == (line / "keyset").read_bytes()
    done = run("log", line, "export", output, "--json")
    assert json.loads(done.stdout) == {"directory": str(output), "entries": 2, "key": key}


@pytest.mark.parametrize("whole", [False, True])
def test_cosign_when_a_witness_signed_then_its_line_is_exported(
    line: Path, tmp_path: Path, whole: bool
) -> None:
    """The line alone is taken, and the checkpoint with the line under it."""
    output = tmp_path / "out"
    run("log", line, "export", output)
    note = (output / "checkpoint").read_bytes()
    signed = f"{cosign(note)}\n".encode()
    file = tmp_path / "signed"
    file.write_bytes(note + signed if whole else signed)
    done = run("log", line, "cosign", file)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Added to the checkpoint of 2 entries.\n"
    run("log", line, "export", output)
    assert (output / "checkpoint").read_bytes() == note + signed


def test_cosign_when_the_last_keyset_went_then_its_witnesses_are_remembered(
    line: Path, tmp_path: Path
) -> None:
    """A line that is running out has no keyset in the end; its last checkpoints get their lines."""
    output, file = tmp_path / "out", tmp_path / "signed"
    root = load_configuration(line).root
    watch = KeysetWatch(line, root=root, minimum=1)
    watch.end(watch.read(), day=TODAY)
    assert not (line / "keyset").exists()
    assert b"Office" not in (line / "keyset-history").read_bytes()
    run("log", line, "export", output)
    note = (output / "checkpoint").read_bytes()
    file.write_text(f"{cosign(note)}\n")
    done = run("log", line, "cosign", file)
    assert (done.returncode, done.stderr) == (0, "")
    run("log", line, "export", output)
    assert (output / "checkpoint").read_bytes() == note + file.read_bytes()
    (line / "keyset-history").unlink()
    done = run("log", line, "cosign", file)
    assert done.returncode == 41
    assert "keyset" in done.stderr


def test_cosign_when_the_file_has_no_good_line_then_it_says_why(line: Path, tmp_path: Path) -> None:
    """Nothing is added that no witness of the keyset signed."""
    output, file = tmp_path / "out", tmp_path / "signed"
    run("log", line, "export", output)
    note = (output / "checkpoint").read_bytes()
    other = cosign(note).replace(WITNESS.name, "witness.example/2")
    for content, message in (
        (note, "the file has no line of a witness that the keyset names"),
        (b"\xff", "the file has no line of a witness that the keyset names"),
        (other.encode(), "the file has no line of a witness that the keyset names"),
        (
            cosign(note, key=SigningKey(b"\x04" * 32)).encode(),
            "the witness's line signs no checkpoint of this log",
        ),
        (
            f"{cosign(note)}\n{other}\n".encode(),  # a good line before a bad one is not added
            "the file has no line of a witness that the keyset names",
        ),
    ):
        file.write_bytes(content)
        done = run("log", line, "cosign", file)
        assert done.returncode == 41
        assert done.stderr.startswith(f"tipline: error: {message}\n")
    run("log", line, "export", output)
    assert (output / "checkpoint").read_bytes() == note


def test_log_when_there_is_none_yet_then_it_is_said(line: Path, tmp_path: Path) -> None:
    """A line that was never served has no log."""
    for path in line.glob("log.db*"):
        path.unlink()
    done = run("log", line, "export", tmp_path / "out")

    assert done.returncode == 41
    assert done.stderr.startswith("tipline: error: there is no log yet: ")


def test_annex_when_a_day_was_told_then_its_file_hashes_to_the_logs_entry(
    line: Path, tmp_path: Path
) -> None:
    """The auditor gets the exact counts; nobody else on the machine reads them."""
    with Instance.open(line) as instance:
        slots = open_slots(line, instance.configuration.slots, environment=os.environ).file
        store = SqliteStore(line, slots=slots, today=lambda: TODAY)
        with contextlib.closing(store):
            told = asyncio.run(
                store.day_book.write_down(
                    TODAY - ONE_DAY, logged_on=TODAY, dies_on=TODAY + 30 * ONE_DAY
                )
            )
    output = tmp_path / "annexes"
    day = (TODAY - ONE_DAY).isoformat()
    done = run("log", line, "annex", output, "--day", day)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"1 annex is in {output}.\n"
    content = (output / f"{day}.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == told.annex_sha256
    assert json.loads(content)["arrived"] == 0
    assert output.stat().st_mode & 0o077 == 0
    done = run("log", line, "annex", output, "--day", TODAY.isoformat())
    assert done.returncode == 41
    assert done.stderr.startswith(f"tipline: error: there is no annex of {TODAY}: ")
    assert run("log", line, "annex", output, "--day", "2031-3-1").returncode == 2
