"""The auditor's commands."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from crypto.cosignature import WitnessVerifier
from crypto.note import Signer
from crypto.strict import format_json
from retention.log.entry import EntryType
from retention.policy import RecordClass
from tests.audit_year import (
    KEY,
    LOG,
    ROOT,
    SimulatedLine,
    make_periods,
    number_hash,
    sign,
    write_log,
)
from tipline.audit.findings import Kind
from tipline.audit.notes import LOG as LOG_TYPE
from tipline.audit.notes import WITNESS, Key, verify_checkpoint
from tipline.audit.verify import verify as verify_log
from tipline.audit.words import ERRORS, FINDINGS

REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "audit.md"


def verify(audit: Any, log: Path, line: SimulatedLine, *more: str | Path) -> Any:
    """Verify on the line's day."""
    return audit("verify", log, "--key", KEY, "--today", line.today.isoformat(), *more)


def test_verify_when_all_is_well_then_it_ends_with_0_and_says_split_view(
    audit: Any, log: Path, line: SimulatedLine
) -> None:
    """A good log without witnesses: nothing found, and a split view is possible."""
    said = verify(audit, log, line)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("the log holds, and says that every promise was kept\n")
    assert "split view possible" in said.out
    assert "this verdict cannot say:" in said.out


def test_verify_when_something_is_found_then_the_gravest_gives_the_code(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """All are listed, the gravest first, and its code is the command's."""
    line.tell(EntryType.LOST_KEYS)
    line.live(1)
    line.tell(EntryType.POLICY, periods=make_periods(mailbox=60), sha256=number_hash(5))
    line.sleep(5)
    line.live(1)
    said = verify(audit, line.write(tmp_path / "log"), line, "--json")
    value = json.loads(said.out)

    assert [finding["kind"] for finding in value["findings"]] == [
        "policy_loosened", "lost_keys", "downtime",
    ]  # fmt: skip
    assert said.code == value["exit_code"] == Kind.POLICY_LOOSENED.exit_code
    assert value["findings"][0]["facts"]["class"] == "mailbox"
    assert value["policy"]["mailbox"] == {"last_used": 60}
    assert value["split_view_possible"] is True


def test_codes_when_documented_then_each_kind_has_its_own() -> None:
    """Every kind has a code of its own, words, and a row in the reference."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", REFERENCE.read_text(), re.MULTILINE)

    assert [(int(code), kind) for code, kind in rows] == [(k.exit_code, str(k)) for k in Kind]
    assert FINDINGS.keys() == set(Kind)
    assert 64 <= min(k.exit_code for k in Kind) <= max(k.exit_code for k in Kind) <= 125
    assert len({k.exit_code for k in Kind}) == len(Kind)


def test_keep_when_given_then_only_what_is_new_is_read(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """The second time costs what is new, and notices another history."""
    kept = tmp_path / "kept"
    first = json.loads(
        verify(audit, line.write(tmp_path / "log"), line, "--keep", kept, "--json").out
    )
    line.live(3)
    second = json.loads(
        verify(audit, line.write(tmp_path / "log"), line, "--keep", kept, "--json").out
    )
    assert (first["read"], second["read"]) == (first["size"], 48)
    before = kept.read_bytes()

    other = [entry.replace(b'"late_days":0', b'"late_days":1') for entry in line.entries]
    forked = verify(audit, write_log(tmp_path / "log", other), line, "--keep", kept, "--json")
    value = json.loads(forked.out)
    assert forked.code == Kind.FORK.exit_code
    assert value["kept_checkpoint"] != value["checkpoint"]
    for note in (value["kept_checkpoint"], value["checkpoint"]):
        verify_checkpoint(note.encode(), log=Key.parse(KEY, type_=LOG_TYPE))
    assert kept.read_bytes() == before


def change_hash(text: str) -> str:
    """Another hash in the kept tree."""
    value = json.loads(text)
    value["levels"][0][0] = "00" * 32
    return json.dumps(value)


def test_batch_when_a_day_has_two_signed_ones_then_the_second_is_wrong(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """All entries of a day are one batch: nothing is slipped in after the signature."""
    kept = tmp_path / "kept"
    verify(audit, line.write(tmp_path / "log"), line, "--keep", kept)
    line.tell(EntryType.BACKUP)
    line.append()
    said = verify(audit, line.write(tmp_path / "log"), line, "--keep", kept)

    assert said.code == Kind.WRONG_BATCH.exit_code


@pytest.mark.parametrize(
    "damage",
    [change_hash, lambda t: t[:-9], lambda t: t.replace('"v": 2', '"v": []'), lambda t: "[" * 9999],
)
def test_keep_when_damaged_then_it_is_refused_and_left(
    audit: Any, log: Path, line: SimulatedLine, tmp_path: Path, damage: Any
) -> None:
    """A kept file that does not fit is never replaced."""
    kept = tmp_path / "kept"
    verify(audit, log, line, "--keep", kept)
    kept.write_text(damage(kept.read_text()))
    before = kept.read_text()
    said = verify(audit, log, line, "--keep", kept)

    assert said.code == 62
    assert "kept" in said.err
    assert kept.read_text() == before


def test_verify_when_kept_by_an_older_version_then_that_is_said(
    audit: Any, line: SimulatedLine, log: Path, tmp_path: Path
) -> None:
    """It is not damaged, and the log is read anew into another file."""
    kept = tmp_path / "kept"
    verify(audit, log, line, "--keep", kept)
    kept.write_text(kept.read_text().replace('"v": 2', '"v": 1'))
    said = verify(audit, log, line, "--keep", kept)
    assert (said.code, said.out) == (62, "")
    assert "another version" in said.err


def test_since_when_given_then_the_log_must_go_on_from_it(
    audit: Any, log: Path, line: SimulatedLine, tmp_path: Path
) -> None:
    """A checkpoint kept by hand is compared; one of another log is refused."""
    since = tmp_path / "since"
    since.write_bytes(sign(line.entries[:100]))
    assert verify(audit, log, line, "--since", since).code == 0
    changed = [line.entries[0], *line.entries[2:]]
    since.write_bytes(sign(changed[:100]))
    assert verify(audit, log, line, "--since", since).code == Kind.FORK.exit_code
    since.write_bytes(b"no checkpoint\n")
    assert verify(audit, log, line, "--since", since).code == 62


def test_annexes_when_changed_then_that_is_found(
    audit: Any, log: Path, line: SimulatedLine, tmp_path: Path
) -> None:
    """An annex fits its hash, or is named."""
    folder = tmp_path / "annexes"
    folder.mkdir()
    day = line.today - datetime.timedelta(days=9)
    path = folder / f"{day}.json"
    path.write_bytes(line.annexes[day])
    assert "annexes compared: 1" in verify(audit, log, line, "--annexes", folder).out
    path.write_bytes(line.annexes[day] + b" ")
    assert verify(audit, log, line, "--annexes", folder).code == Kind.ANNEX_MISMATCH.exit_code
    (folder / "other.json").write_bytes(b"{}")
    assert verify(audit, log, line, "--annexes", folder).code == 62


def test_annex_when_it_is_no_json_then_its_hash_in_the_log_does_not_make_it_one(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """An operator can log the hash of anything; what is handed over must still be an annex."""
    folder = tmp_path / "annexes"
    folder.mkdir()
    day = line.today - datetime.timedelta(days=9)
    digest = hashlib.sha256(line.annexes[day]).hexdigest().encode()
    other = hashlib.sha256(b"no JSON").hexdigest().encode()
    line.entries = [entry.replace(digest, other) for entry in line.entries]
    (folder / f"{day}.json").write_bytes(b"no JSON")
    said = verify(audit, line.write(tmp_path / "log"), line, "--annexes", folder)

    assert said.code == Kind.ANNEX_MALFORMED.exit_code
    # A day that no batch told of yet has no annex.
    (folder / f"{day}.json").rename(folder / f"{line.today}.json")
    said = verify(audit, tmp_path / "log", line, "--annexes", folder)
    assert said.code == Kind.ANNEX_WITHOUT_ENTRY.exit_code


def test_holds_when_given_then_texts_are_compared_with_their_commitments(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """The texts that the operator hands over are those of the log's holds, or it is said."""
    text = {
        "v": 1,
        "hold": "ab" * 16,
        "placed_on": line.today.isoformat(),
        "until_on": (line.today + datetime.timedelta(days=20)).isoformat(),
        "channel": "city",
        "first_person": "Ana",
        "second_person": "Bea",
        "reason": "court order 7",
    }
    spelled = format_json(text)
    salt = b"\x07" * 32
    line.tell(
        EntryType.HOLD,
        hold="ab" * 16,
        step="placed",
        until=line.today + datetime.timedelta(days=20),
        commitment=hashlib.sha256(salt + spelled).hexdigest(),
    )
    line.live(2)
    log = line.write(tmp_path / "log")
    listed = tmp_path / "holds.json"

    def say(words: object) -> Any:
        listed.write_text(json.dumps({"holds": [{"words": words}], "ended": []}))
        return verify(audit, log, line, "--holds", listed)

    def listed_with(text: str) -> Path:
        ended = [{"salt": salt.hex(), "text": text}]
        listed.write_text(json.dumps({"holds": [], "ended": ended}))
        return listed

    good = say({"salt": salt.hex(), "text": spelled.decode()})
    assert (good.code, "texts of holds compared: 1" in good.out) == (0, True)
    other = spelled.decode().replace("Bea", "Eva")
    said = say({"salt": salt.hex(), "text": other})
    assert said.code == Kind.HOLD_TEXT_MISMATCH.exit_code
    assert say(None).code == Kind.HOLD_TEXT_MISSING.exit_code
    assert say(7).code == 62
    assert verify(audit, log, line).code == 0  # nobody asked for them
    # With texts to compare everything is read, whatever was read before.
    for _ in range(2):
        said = verify(audit, log, line, "--keep", tmp_path / "kept", "--holds", listed_with(other))
        assert said.code == Kind.HOLD_TEXT_MISMATCH.exit_code


def test_since_and_keep_when_both_are_given_then_both_are_compared(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """A fork behind the older checkpoint is found by the newer one, and replaces nothing."""
    kept, since = tmp_path / "kept", tmp_path / "since"
    fork = copy.deepcopy(line)
    since.write_bytes(sign(line.entries))
    line.live(5)
    verify(audit, line.write(tmp_path / "log"), line, "--keep", kept)
    before = kept.read_bytes()
    fork.tell(EntryType.LOST_KEYS)
    fork.live(6)
    log = fork.write(tmp_path / "log")
    said = verify(audit, log, fork, "--keep", kept, "--since", since, "--json")

    assert said.code == Kind.FORK.exit_code
    assert kept.read_bytes() == before
    value = json.loads(said.out)
    assert value["kept_checkpoint"] == json.loads(before)["note"]
    # A kept file may be the longer one, too: then the log was rolled back.
    log = write_log(tmp_path / "log", line.entries[:-1])
    said = verify(audit, log, line, "--keep", kept, "--since", since)
    assert said.code == Kind.ROLLED_BACK.exit_code
    since.write_bytes(sign([*line.entries[:-1], b"{}"]))
    said = verify(audit, line.write(tmp_path / "log"), line, "--keep", kept, "--since", since)
    assert (said.code, said.err) == (62, f"tipline: error: {ERRORS['since_kept']}\n")
    assert kept.read_bytes() == before


def test_keep_when_the_auditors_clock_was_behind_then_what_was_kept_is_not_spoiled(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """What a wrong clock could not judge is judged as soon as the clock is right."""
    kept = tmp_path / "kept"
    behind = line.today
    line.live(10)
    log = line.write(tmp_path / "log")
    said = audit("verify", log, "--key", KEY, "--today", behind, "--keep", kept)
    assert said.code == Kind.FROM_THE_FUTURE.exit_code
    assert "stale" not in said.out
    assert not kept.exists()
    line.failing.add(RecordClass.SEALED_TIP)
    line.live(20)
    said = verify(audit, line.write(tmp_path / "log"), line, "--keep", kept)
    assert said.code == Kind.OVERDUE.exit_code


def test_keep_when_batches_were_made_afterwards_then_that_is_found_for_good(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """A line that was silent cannot fill the silence later with punctual batches."""
    kept, folder = tmp_path / "kept", tmp_path / "annexes"
    folder.mkdir()
    day = line.today - datetime.timedelta(days=9)
    (folder / f"{day}.json").write_bytes(line.annexes[day])
    log = line.write(tmp_path / "log")
    later = line.today + datetime.timedelta(days=10)
    said = audit("verify", log, "--key", KEY, "--today", later, "--keep", kept)
    assert said.code == Kind.STALE.exit_code
    line.live(11)
    log = line.write(tmp_path / "log")
    assert verify(audit, log, line).code == 0  # nothing in the log alone shows it
    for more in ((), ("--annexes", folder), ()):
        said = verify(audit, log, line, "--keep", kept, "--json", *more)
        assert said.code == Kind.BACK_DATED.exit_code
        found = json.loads(said.out)["findings"]
        # Those of the last two days may have been made in time.
        assert [finding["kind"] for finding in found] == ["back_dated"] * 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "/nowhere", "--key", KEY], "place"),
        (["verify", "ftp://x", "--key", KEY], "url"),
        (["verify", "http://u@x/", "--key", KEY], "url"),
        (["verify", "http://" + "a" * 56 + ".onion", "--key", KEY], "onion_needs_socks"),
        (["verify", ".", "--key", "x"], "key"),
        (["verify", "."], "key"),
        (["verify", ".", "--key", KEY, "--quorum", "1"], "quorum"),
        (["verify", ".", "--key", KEY, "--today", "tomorrow"], "day"),
        (["verify", ".", "--key", KEY, "--socks", "9050"], "socks_option"),
        (["verify", ".", "--key", KEY, "--keyset", "x"], "root_missing"),
        (["verify", ".", "--keyset-root", "x", "--witness", "y"], "root_and_witness"),
        (["verify", ".", "--keyset-root", "x", "--quorum", "1"], "root_and_witness"),
        (["witness", ".", "--witness-key", "x", "--state", "y"], "key"),
        (["keygen", "--name", "a b", "--out", "x"], "key"),
    ],
)
def test_command_when_called_wrongly_then_it_says_what(
    audit: Any, words: list[str], said: str
) -> None:
    """What the auditor gave wrongly is named, and is no finding."""
    done = audit(*words)

    assert done.code == 62
    assert done.out == ""
    start = ERRORS[said].split("{")[0]
    assert done.err.startswith(f"tipline: error: {start}")


def test_witness_when_it_signed_then_the_quorum_is_reached_and_never_two_histories(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """A witness's line counts; below the quorum is refused; another history is not signed."""
    key, state = tmp_path / "witness.key", tmp_path / "state"
    public = audit("keygen", "--name", "audit.example/w", "--out", key).out.strip()
    assert WitnessVerifier.parse(public).format() == public
    assert key.stat().st_mode & 0o777 == 0o600
    assert audit("keygen", "--name", "w", "--out", key).code == 62
    log = line.write(tmp_path / "log")
    options = ("--witness-key", key, "--state", state, "--today", line.today.isoformat())

    assert verify(audit, log, line, "--witness", public).code == Kind.BELOW_QUORUM.exit_code
    assert audit("witness", log, "--key", KEY, *options).code == 62
    signed = audit("witness", log, "--key", KEY, *options, "--first")
    assert signed.code == 0
    note = (log / "checkpoint").read_bytes() + signed.out.encode()
    (log / "checkpoint").write_bytes(note)
    seen = verify(audit, log, line, "--witness", public)
    assert (seen.code, "split view possible" in seen.out) == (0, False)
    assert "witnesses: audit.example/w" in seen.out

    other = [entry.replace(b'"late_days":0', b'"late_days":1') for entry in line.entries]
    refused = audit("witness", write_log(tmp_path / "log", other), "--key", KEY, *options)
    assert (refused.code, refused.out) == (Kind.FORK.exit_code, "")
    assert "nothing was signed" in refused.err
    # A line over another checkpoint does not count for this one.
    (log / "checkpoint").write_bytes(sign(other) + signed.out.encode())
    assert verify(audit, log, line, "--witness", public).code == Kind.FORGED_CHECKPOINT.exit_code
    key.chmod(0o644)
    assert audit("witness", line.write(log), "--key", KEY, *options).code == 62


def test_witness_when_two_run_at_once_then_the_second_signs_nothing(
    audit: Any, line: SimulatedLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly a server answers, two histories are never signed from one state."""
    key, state = tmp_path / "witness.key", tmp_path / "state"
    audit("keygen", "--name", "w", "--out", key)
    words = ("--key", KEY, "--witness-key", key, "--state", state, "--today")
    assert audit("witness", line.write(tmp_path / "log"), *words, line.today, "--first").code == 0
    fork = copy.deepcopy(line)
    line.live(2)
    fork.tell(EntryType.LOST_KEYS)
    fork.live(2)
    log, other = line.write(tmp_path / "log"), fork.write(tmp_path / "other")
    inner = []

    def verify_slowly(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr("tipline.audit.cli.verify", verify_log)
        inner.append(audit("witness", other, *words, fork.today))
        return verify_log(*args, **options)

    monkeypatch.setattr("tipline.audit.cli.verify", verify_slowly)
    first = audit("witness", log, *words, line.today)

    assert first.code == 0
    ((code, out, err),) = [(said.code, said.out, said.err) for said in inner]
    assert (code, out) == (62, "")
    assert "another run is signing" in err
    assert audit("witness", other, *words, fork.today).code == Kind.FORK.exit_code


def test_witness_when_its_state_is_missing_then_it_is_not_begun_unasked(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """A lost state, or a name mistyped, is no first time; and a first time is one."""
    key, state = tmp_path / "witness.key", tmp_path / "state"
    audit("keygen", "--name", "w", "--out", key)
    log = line.write(tmp_path / "log")
    words = ("witness", log, "--key", KEY, "--witness-key", key, "--state", state)
    day = ("--today", line.today)
    missing = audit(*words, *day)
    assert (missing.code, missing.out, state.exists()) == (62, "", False)
    assert audit(*words, *day, "--first").code == 0
    again = audit(*words, *day, "--first")
    assert (again.code, again.out) == (62, "")
    assert "leave --first out" in again.err
    assert audit(*words, *day).code == 0


def test_witness_when_a_line_is_read_by_the_service_then_it_holds(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """Two programs written apart agree on one signature."""
    from crypto.cosignature import verify_cosignature
    from crypto.note import split_note

    public = audit("keygen", "--name", "w", "--out", tmp_path / "key").out.strip()
    log = line.write(tmp_path / "log")
    signed = audit(
        "witness", log, "--key", KEY, "--witness-key", tmp_path / "key",
        "--state", tmp_path / "state", "--today", line.today.isoformat(), "--first",
    )  # fmt: skip
    text, _lines = split_note((log / "checkpoint").read_bytes())
    line_ = signed.out.rstrip("\n")
    assert verify_cosignature(line_, text=text, verifier=WitnessVerifier.parse(public)) > 0


def make_keyset(
    line: SimulatedLine,
    *,
    log: str = KEY,
    witnesses: tuple[str, ...] = (),
    previous: bytes | None = None,
) -> bytes:
    """A keyset that the root signed."""
    from crypto.keyset import sign_keyset
    from crypto.note import Verifier
    from tests.unit.crypto.conftest import make_draft

    draft = make_draft(
        log=Verifier.parse(log),
        witnesses=tuple(WitnessVerifier.parse(text) for text in witnesses),
        quorum=len(witnesses),
        valid_from=line.today,
        valid_until=line.today + datetime.timedelta(days=30),
    )
    return sign_keyset(draft, signer=ROOT, today=line.today, previous=previous)


def tell_keyset(line: SimulatedLine, note: bytes, *, number: int) -> None:
    """Log that a keyset was installed."""
    line.tell(
        EntryType.KEYSET,
        number=number,
        sha256=hashlib.sha256(note).hexdigest(),
        valid_until=line.today + datetime.timedelta(days=30),
    )
    line.live(1)


def test_keyset_when_the_root_signed_it_then_log_and_witnesses_come_from_it(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """The auditor needs the root from paper alone; another root, or another log, is refused."""
    public = Key(name="w", type=WITNESS, public_key=bytes(range(32))).format()
    note = make_keyset(line, previous=make_keyset(line))
    tell_keyset(line, note, number=2)
    log, keyset = line.write(tmp_path / "x" / "log"), tmp_path / "x" / "keyset"
    root = ROOT.verifier().format()
    words = ("--keyset-root", root, "--today", line.today.isoformat())
    assert audit("verify", tmp_path / "x", *words).code == 62
    keyset.write_bytes(note)
    assert audit("verify", tmp_path / "x", *words).code == 0
    assert audit("verify", log, *words, "--keyset", keyset, "--key", KEY).code == 0
    keyset.rename(log / "keyset")
    assert audit("verify", log, *words).code == 0
    (log / "keyset").unlink()
    # One that the desk has signed since; the next batch will tell of it.
    keyset.write_bytes(make_keyset(line, witnesses=(public,), previous=note))
    assert audit("verify", log, *words).code == Kind.BELOW_QUORUM.exit_code
    stranger = Signer.generate("tipline-root").verifier().format()
    for more in (("--keyset-root", stranger), ("--key", Signer.generate("x").verifier().format())):
        assert audit("verify", log, *words, *more).code == 62
    keyset.write_bytes(keyset.read_bytes().replace(b'"number":3', b'"number":4'))
    assert audit("verify", log, *words).code == 62


def test_keyset_when_it_is_not_the_logs_newest_then_it_takes_no_witness_away(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """An old keyset, or a second one of the same number, is refused and replaces nothing."""
    public = Key(name="w", type=WITNESS, public_key=bytes(range(32))).format()
    old = make_keyset(line)
    new = make_keyset(line, previous=old, witnesses=(public,))
    tell_keyset(line, new, number=2)
    log, keyset, kept = line.write(tmp_path / "log"), tmp_path / "keyset", tmp_path / "kept"
    words = ("--keyset-root", ROOT.verifier().format(), "--keep", kept, "--today")
    keyset.write_bytes(new)
    assert audit("verify", log, *words, line.today).code == Kind.BELOW_QUORUM.exit_code
    for other in (old, make_keyset(line, previous=old)):
        keyset.write_bytes(other)
        said = audit("verify", log, *words, line.today)
        assert said.code == Kind.WRONG_KEYSET.exit_code
        assert not kept.exists()


def test_keyset_when_it_has_expired_then_that_is_found(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """A keyset that is not in the log yet ends on its day, too."""
    note = make_keyset(line, previous=make_keyset(line))
    (tmp_path / "keyset").write_bytes(note)
    words = ("--keyset-root", ROOT.verifier().format(), "--today")
    line.live(30)
    assert audit("verify", line.write(tmp_path / "log"), *words, line.today).code == 0
    line.live(1)
    said = audit("verify", line.write(tmp_path / "log"), *words, line.today)
    assert said.code == Kind.KEYSET_EXPIRED.exit_code


def test_page_when_written_then_it_needs_nothing_and_escapes_everything(
    audit: Any, line: SimulatedLine, tmp_path: Path
) -> None:
    """No script, no remote part; what the log says is text."""
    line.tell(EntryType.PAGE, build="<script>alert(1)</script>", sha256=number_hash(1))
    line.sleep(3)
    line.live(5)
    page = tmp_path / "verdict.html"
    verify(audit, line.write(tmp_path / "log"), line, "--html", page)
    text = page.read_text()

    assert "<script" not in text
    assert not re.search(r"(?:src=|href=|url\(|@import|http:|https:)", text)
    assert text.count('<td class="off">') == 3
    assert "default-src &#x27;none&#x27;" in text
    assert text.count("<h1>") == 1


def run_carried(file: Path, *words: str, language: str = "en") -> Any:
    """Run the one file in a folder of its own, where nothing of the program can be imported."""
    return subprocess.run(
        [sys.executable, "-P", str(file), *words],
        cwd=file.parent,
        env={"PATH": os.environ["PATH"], "LANGUAGE": language},
        capture_output=True,
        text=True,
        check=False,
    )


def test_carried_when_made_twice_then_it_is_the_same_and_runs_alone(
    log: Path, line: SimulatedLine, tmp_path: Path
) -> None:
    """The same sources give the same bytes; the file verifies, in each language."""
    from tipline.audit.carry import make_carried, save_carried
    from tipline.audit.errors import InputError

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    file = folder / "tipline-audit.pyz"
    digest = save_carried(file)
    assert len(digest) == 64
    assert make_carried() == file.read_bytes()
    with pytest.raises(InputError):
        save_carried(file)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    assert {n.split("/")[0] for n in names} == {"__main__.py", "tipline"}
    assert all(n.startswith("tipline/audit/") for n in names if n.count("/") > 1)

    words = ("verify", str(log), "--key", KEY, "--today", line.today.isoformat())
    english, spanish = run_carried(file, *words), run_carried(file, *words, language="es_ES.UTF-8")
    assert (english.returncode, english.stderr) == (0, "")
    assert (spanish.returncode, spanish.stderr) == (0, "")
    assert english.stdout.startswith("the log holds")
    assert LOG.name in english.stdout
