"""What the desk finds in a tip's files, whatever the tip says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crypto.note import Signer
from tests.hostile import write_hostile
from tests.pdfs import make_pdf
from tests.pictures import make_exif, make_jpeg, segment
from tests.unit.tipline.desk.conftest import DAY
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind
from tipline.cleaning.rules import NUMBER
from tipline.desk import judging
from tipline.desk.filewords import FAILURE_WORDS, describe_judgement
from tipline.desk.judgements import read_judgements, save_judgements
from tipline.desk.judging import Judgement, State, clean, judge, probe_sandbox
from tipline.desk.vault import Vault
from tipline.errors import FileError, SandboxError, VaultError
from tipline.rendering.answers import Failure

CLEAN = make_jpeg()
TELLING = make_jpeg(segment(0xE1, b"Exif\0\0" + make_exif([(0x010F, 2, 4, b"Cam\0")])))


def put(directory: Path, data: bytes) -> str:
    """Put a file into a tip's directory, and return its name there."""
    (directory / "files").mkdir()
    (directory / "out").mkdir()
    (directory / "files" / "01.bin").write_bytes(data)
    return "files/01.bin"


@pytest.mark.parametrize(
    ("data", "claim", "state", "is_belied"),
    [
        (CLEAN, "clean", State.CLEAN, False),
        (CLEAN, None, State.CLEAN, False),
        (TELLING, "clean", State.FOUND, True),
        (TELLING, "cleaned", State.FOUND, True),
        (TELLING, "uncleaned", State.FOUND, False),
        (TELLING, None, State.FOUND, False),
        (b"nothing\0known", "cleaned", State.REFUSED, True),
        (b"nothing\0known", "uncleaned", State.REFUSED, False),
    ],
)
def test_file_when_judged_then_the_tips_word_is_held_against_it(
    tmp_path: Path, data: bytes, claim: str | None, state: State, is_belied: bool
) -> None:
    """Only a file that is said to be clean, and is not, belies the tip."""
    judged = judge(tmp_path, put(tmp_path, data), claim=claim)
    assert (judged.state, judged.is_belied, judged.claim) == (state, is_belied, claim)
    assert judged.kinds == ((Kind.DEVICE,) if state == State.FOUND else ())


def test_file_when_cleaned_then_its_copy_is_clean_and_named_by_its_format(tmp_path: Path) -> None:
    """Its own name may lie; the copy's ends as its content is."""
    name = put(tmp_path, TELLING)
    judged, copy = clean(tmp_path, name, tmp_path / "out", claim=None)
    assert copy == tmp_path / "out" / "files" / "01.jpg"
    assert (judged.format, judged.kinds) == (Format.JPEG, (Kind.DEVICE,))
    assert copy.read_bytes() == CLEAN
    assert copy.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / name).read_bytes() == TELLING


def test_pdf_when_cleaned_then_the_sandbox_has_what_reads_it(tmp_path: Path) -> None:
    """The library that reads PDF is found behind the walls, and its calls pass the filter."""
    name = put(tmp_path, make_pdf({}, trailer=b"/ID [<01> <02>]"))
    judged, copy = clean(tmp_path, name, tmp_path / "out", claim=None)
    assert (judged.format, judged.kinds) == (Format.PDF, (Kind.ID,))
    assert copy == tmp_path / "out" / "files" / "01.pdf"


def test_file_when_it_cannot_be_cleaned_then_there_is_no_copy(tmp_path: Path) -> None:
    """Nothing is cleaned by half."""
    name = put(tmp_path, TELLING[:40])
    judged, copy = clean(tmp_path, name, tmp_path / "out", claim=None)
    assert (judged.state, judged.reason, copy) == (State.REFUSED, Reason.TRUNCATED, None)
    assert list((tmp_path / "out").iterdir()) == []


def test_file_when_the_copys_name_is_taken_then_nothing_is_overwritten(tmp_path: Path) -> None:
    """What lies there stays."""
    name = put(tmp_path, TELLING)
    (tmp_path / "out" / "files").mkdir()
    (tmp_path / "out" / "files" / "01.jpg").write_bytes(b"mine")
    with pytest.raises(FileError) as caught:
        clean(tmp_path, name, tmp_path / "out", claim=None)
    assert caught.value.code == "file_exists"
    assert (tmp_path / "out" / "files" / "01.jpg").read_bytes() == b"mine"


HEAD = "os.write(1, CLEANING + format_word('jpeg') + format_word('')); "
LIES = {
    "another part": "os.write(1, PAGE)",
    "a format of its own": "os.write(1, CLEANING + format_word('exe') + format_word(''))",
    "a kind of its own": "os.write(1, CLEANING + format_word('jpeg') + format_word('luck'))",
    "a reason of its own": "os.write(1, FAILURE + format_word('none'))",
    "no end": "os.write(1, CLEANING + bytes([200]) + b'jpeg')",
    "no data": HEAD + "os.write(1, END)",
    "more data than can be": HEAD + "os.write(1, DATA + LENGTH.pack(2**40) + b'x')",
    "less data than said": HEAD + "os.write(1, DATA + LENGTH.pack(9) + b'x')",
}


@pytest.mark.parametrize("body", LIES.values(), ids=LIES.keys())
def test_attacker_when_lying_of_a_cleaning_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """Words that are not ours, or lengths that cannot be, leave no copy and no good word."""
    job = write_hostile(tmp_path, body, locked=True)
    monkeypatch.setattr(judging, "Job", lambda **fields: job)
    name = put(tmp_path, TELLING)
    judged, copy = clean(tmp_path, name, tmp_path / "out", claim="clean")
    assert (judged.state, judged.reason, copy) == (State.REFUSED, Failure.DIED, None)
    assert judged.is_belied
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_attacker_when_breaking_the_check_leaves_the_file_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that ends its reader is not clean."""
    job = write_hostile(tmp_path, "os._exit(0)", locked=True)
    monkeypatch.setattr(judging, "Job", lambda **fields: job)
    judged = judge(tmp_path, put(tmp_path, CLEAN), claim="clean")
    assert (judged.state, judged.reason) == (State.REFUSED, Failure.DIED)
    probe_sandbox(tmp_path / "files" / "01.bin")


def test_sandbox_when_missing_then_no_file_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No parser meets a stranger's file without it."""
    name = put(tmp_path, CLEAN)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError):
        judge(tmp_path, name, claim=None)
    with pytest.raises(SandboxError):
        probe_sandbox(tmp_path / name)


JUDGEMENTS = [
    Judgement(path="files/01.jpg", state=State.CLEAN, claim="clean", format=Format.JPEG),
    Judgement(
        path="files/02.jpg", state=State.FOUND, format=Format.PNG, kinds=(Kind.PLACE, Kind.TIME)
    ),
    Judgement(path="files/03.pdf", state=State.REFUSED, claim="cleaned", reason=Reason.UNKNOWN),
    Judgement(path="files/04.pdf", state=State.REFUSED, reason=Failure.DIED),
]


def make_vault(directory: Path) -> Vault:
    return Vault.init(directory / "vault", root=Signer.generate("tipline-root").verifier())


def test_judgements_when_kept_then_they_are_read_again(tmp_path: Path) -> None:
    """What was found at the opening is still known when the tip is shown."""
    vault = make_vault(tmp_path)
    assert read_judgements(vault, "0" * 32) == {}
    save_judgements(vault, "0" * 32, JUDGEMENTS, today=DAY)
    assert list(read_judgements(vault, "0" * 32).values()) == JUDGEMENTS


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"version": 2, "files": []},
        {"version": 1, "rules": NUMBER},
        {"version": 1, "rules": NUMBER, "files": [{"file": "a", "state": "good", "kinds": []}]},
        {
            "version": 1,
            "rules": NUMBER,
            "files": [{"file": "a", "state": "found", "kinds": ["luck"]}],
        },
        {"version": 1, "rules": NUMBER, "files": ["a"]},
    ],
)
def test_judgements_when_damaged_then_they_are_not_believed(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    """A record that cannot be read is named, and not taken for none."""
    vault = make_vault(tmp_path)
    (vault.directory / "records" / f"{'0' * 32}.files.json").write_text(json.dumps(fields))
    with pytest.raises(VaultError) as caught:
        read_judgements(vault, "0" * 32)
    assert caught.value.code == "vault_damaged"


def test_judgements_when_made_by_other_rules_then_the_files_are_looked_at_again(
    tmp_path: Path,
) -> None:
    """What older rules did not know, they did not find."""
    vault = make_vault(tmp_path)
    save_judgements(vault, "0" * 32, JUDGEMENTS, today=DAY)
    path = vault.directory / "records" / f"{'0' * 32}.files.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps({**fields, "rules": fields["rules"] - 1}))
    assert read_judgements(vault, "0" * 32) == {}
    del fields["rules"]
    path.write_text(json.dumps(fields))
    assert read_judgements(vault, "0" * 32) == {}


@pytest.mark.parametrize(
    ("judgement", "words"),
    [
        (JUDGEMENTS[0], "the desk found nothing to take out"),
        (JUDGEMENTS[1], "the desk found: place, time"),
        (
            JUDGEMENTS[2],
            (
                "WARNING: said to be clean, but it cannot be cleaned here: files of this format"
                " cannot be cleaned here"
            ),
        ),
        (
            JUDGEMENTS[3],
            (
                "the desk cannot clean it: the program that opened it broke off: it may be made to"
                " do harm"
            ),
        ),
        (
            Judgement(path="a", state=State.FOUND, claim="clean", kinds=(Kind.PLACE,)),
            "WARNING: said to be clean, but the desk found: place",
        ),
    ],
)
def test_judgement_when_told_then_a_belied_tip_is_named_loudly(
    judgement: Judgement, words: str
) -> None:
    """A person who reads quickly sees the word WARNING."""
    assert describe_judgement(judgement, translate=lambda text: text) == words


def test_failures_when_listed_then_each_has_its_words() -> None:
    """Whatever keeps a file from being shown, a person is told in words."""
    assert FAILURE_WORDS.keys() == set(Failure)
