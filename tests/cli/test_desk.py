"""Transcripts of `tipline desk`: from the key ceremony to the exported tip."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from crypto.age import file as age_file
from crypto.attachment import Cleaning
from crypto.bundle import START, IndexEntry, format_index, format_trailer
from crypto.envelope import AttachedFile, seal_tip
from crypto.keyset import choose_recipients, verify_keyset
from crypto.ladder import RUNGS, payload_len_of
from crypto.note import Signer, Verifier
from crypto.secret import Secret
from crypto.tip import Tip
from tests.pictures import make_exif, make_jpeg, segment
from tipline.desk.keyfiles import read_key_file

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "PYTHONPATH": str(ROOT)}
PHOTO = bytes(range(256)) * 1000
LOG = Signer.generate("tipline-log/" + 16 * "0")
OTHER_LOG = Signer.generate("tipline-service").verifier().format()
WRONG = ["--out", "k", "--root", "root.key", "--passphrase-file", "wrong"]
HOSTILE_TEXT = "look\x1b[2J\u202efdp.exe\nsecond line, 5 €"
CATEGORY = """
[[channel.category]]
id = "money"
names = { en = "Public money", es = "Dinero público", pt = "Dinheiro público" }
"""
READERS = """
version = 1

[[reader]]
id = "ana"
name = "Ana"
unit = "Investigations"
since = 2026-01-01
recipient = "RECIPIENT"

[[channel]]
id = "works"
names = { en = "Works", es = "Obras", pt = "Obras" }

[[channel.reader]]
reader = "ana"
from = 2026-01-01
optional = false
"""


def run(
    *arguments: str | Path, directory: Path, stdin: bytes = b"", language: str = ""
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tipline", "desk", *arguments],
        cwd=directory,
        env={**ENVIRONMENT, "LANGUAGE": language},
        input=stdin,
        capture_output=True,
        check=False,
        start_new_session=True,  # without a terminal to ask at
        timeout=120,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desk:
    """A desk after its key ceremony, made by the commands alone."""

    directory: Path
    root: str
    service: Signer

    def run(self, *arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        return run(*arguments, directory=self.directory, stdin=stdin)

    def open(self, *more: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run("open", "bundle", "--vault", "vault", "-i", "ana.plain", *more)

    def write_bundle(self, *envelopes: bytes) -> None:
        note = (self.directory / "keyset").read_bytes()
        today = datetime.datetime.now(datetime.UTC).date()
        entries, offset = [], len(START)
        for number, envelope in enumerate(envelopes):
            entries.append(
                IndexEntry(
                    id=f"{number:x}".ljust(32, "0"),
                    arrived_on=today,
                    dies_on=today + datetime.timedelta(days=90),
                    channel="works",
                    size_bytes=len(envelope),
                    sealed_by_service=number == 1,
                    keyset=1,
                    offset=offset,
                    sha256=hashlib.sha256(envelope).hexdigest(),
                )
            )
            offset += len(envelope)
        index = format_index(entries, made_on=today, keyset_note=note, signer=self.service)
        bundle = START + b"".join(envelopes) + index + format_trailer(len(index))
        (self.directory / "bundle").write_bytes(bundle)

    def recipients(self) -> list[object]:
        today = datetime.datetime.now(datetime.UTC).date()
        keyset = verify_keyset(
            (self.directory / "keyset").read_bytes(), root=Verifier.parse(self.root), today=today
        )
        return list(choose_recipients(keyset, channel="works", today=today))

    def seal(
        self, tip: Tip, *, photo: bytes | None = None, cleaning: Cleaning | None = None
    ) -> bytes:
        sealed = io.BytesIO()
        files = []
        if photo is not None:
            name = "../\x1b[1mbridge\u202egpj.exe"
            files.append(
                AttachedFile(
                    extension="jpg",
                    size_bytes=len(photo),
                    source=io.BytesIO(photo),
                    name=name if cleaning is None else None,
                    media_type="image/jpeg",
                    cleaning=cleaning,
                )
            )
        seal_tip(sealed, tip=tip, files=files, recipients=self.recipients())  # type: ignore[arg-type]  # hybrid
        return sealed.getvalue()

    def seal_payload(self, payload: bytes) -> bytes:
        sealed = io.BytesIO()
        age_file.seal(io.BytesIO(payload), sealed, recipients=self.recipients())  # type: ignore[arg-type]  # hybrid
        return sealed.getvalue()


def save_private(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Keys, readers.toml and the first keyset, made once: passphrases cost seconds."""
    directory = tmp_path_factory.mktemp("desk")
    save_private(directory / "passphrase", b"correct horse\n")
    save_private(directory / "wrong", b"battery staple\n")
    made = run("keygen", "--out", "ana.key", "--passphrase-file", "passphrase", directory=directory)
    assert (made.returncode, made.stderr) == (0, "put this recipient into readers.toml\n")
    assert re.fullmatch(r"age1pq1[a-z0-9]{1952}\n", made.stdout)
    (directory / "readers.toml").write_text(READERS.replace("RECIPIENT", made.stdout.strip()))
    root = run(
        "keygen", "--root", "--out", "root.key", "--passphrase-file", "passphrase", "--json",
        directory=directory,
    )  # fmt: skip
    assert root.returncode == 0
    service = Signer.generate("tipline-service")
    desk = Desk(directory=directory, root=json.loads(root.stdout)["root"], service=service)
    signed = sign(desk, "--out", "keyset", "--root", "root.key", "--passphrase-file", "passphrase")
    assert signed.returncode == 0, signed.stderr
    # The tests below use the same keys without their passphrases, which cost a second each time.
    for name in ("ana", "root"):
        content = read_key_file(
            directory / f"{name}.key", ask=lambda path: Secret(b"correct horse")
        )
        save_private(directory / f"{name}.plain", content.reveal())
    return desk


def sign(desk: Desk, *more: str, stdin: bytes = b"yes\n") -> subprocess.CompletedProcess[str]:
    return desk.run(
        "keyset", "--root", "root.plain", "--readers", "readers.toml",
        "--service", desk.service.verifier().format(),
        "--log", LOG.verifier().format(), *more,
        stdin=stdin,
    )  # fmt: skip


@pytest.fixture
def desk(ceremony: Desk, tmp_path: Path) -> Desk:
    """The desk's files in a directory of this test's own."""
    for path in ceremony.directory.iterdir():
        if path.is_file():
            save_private(tmp_path / path.name, path.read_bytes())
    return dataclasses.replace(ceremony, directory=tmp_path)


def lines(text: str) -> list[str]:
    return text.splitlines()


# --- keys and keysets -------------------------------------------------------------------------


def test_keyset_when_signed_then_what_changes_is_shown_first(desk: Desk) -> None:
    """A person sees what signing changes, says yes, and gets the file."""
    signed = sign(desk, "--previous", "keyset", "--out", "keyset-2", "--days", "7")

    assert signed.returncode == 0
    today = datetime.datetime.now(datetime.UTC).date()
    last = today + datetime.timedelta(days=6)
    assert lines(signed.stderr) == [
        f"keyset 2: valid from {today} to {last}, 7 days",
        "nothing else changes",
        "Sign this keyset?",
        "Type yes to go on: ",
    ]
    assert signed.stdout == f"keyset 2, valid until {last}: keyset-2\n"
    assert (desk.directory / "keyset-2").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("answer", [b"", b"\n", b"no\n", b"yess\n", b"\xff\n"])
def test_keyset_when_not_confirmed_then_nothing_is_signed(desk: Desk, answer: bytes) -> None:
    """Anything but the word asked for leaves no file."""
    signed = sign(desk, "--previous", "keyset", "--out", "keyset-2", stdin=answer)

    assert signed.returncode == 2
    assert signed.stderr.endswith("tipline: error: nothing was signed\n")
    assert not (desk.directory / "keyset-2").exists()


@pytest.mark.parametrize(
    ("exit_code", "words", "more"),
    [
        (18, "a keyset lives at most 31 days", ["--out", "k", "--days", "32"]),
        (18, "a keyset lives at most 31 days", ["--out", "k", "--days", "99999999999"]),
        (18, "is not in its format", ["--out", "k", "--days", "0"]),
        (18, "is not in its format (onion)", ["--out", "k", "--onion", "example.org"]),
        (46, "File exists", ["--out", "keyset"]),
        (11, "not in the format", ["--out", "k", "--service", "tipline-service"]),
        (11, "not in the format", ["--out", "k", "--log", "tipline-log"]),
        (18, "is not in its format (log)", ["--out", "k", "--log", OTHER_LOG]),
        (15, "wrong passphrase", WRONG),
    ],
)
def test_keyset_when_it_cannot_be_signed_then_the_reason_and_the_code_say_so(
    desk: Desk, exit_code: int, words: str, more: list[str]
) -> None:
    """Each refusal has its words and its exit code, and leaves no file."""
    signed = sign(desk, *more)

    assert signed.returncode == exit_code, signed.stderr
    assert words in signed.stderr
    assert not (desk.directory / "k").exists()


def test_keyset_when_a_channel_has_a_ninth_reader_then_the_reason_is_given(desk: Desk) -> None:
    """The refusal says which channel, how many, and why eight."""
    entry = READERS[READERS.index("[[channel.reader]]") :]
    text = (desk.directory / "readers.toml").read_text()
    (desk.directory / "readers.toml").write_text(text + entry * 8)
    signed = sign(desk, "--out", "k")

    assert signed.returncode == 18
    assert "channel works has 9 readers; a channel has at most 8, because" in signed.stderr


def test_keyset_when_readers_toml_is_off_then_the_key_is_named(desk: Desk) -> None:
    """The key is named, the value is not."""
    text = (desk.directory / "readers.toml").read_text()
    (desk.directory / "readers.toml").write_text(text.replace("unit =", "unity ="))
    signed = sign(desk, "--out", "k")

    assert signed.returncode == 40
    assert "reader[1].unit" in signed.stderr
    assert "Investigations" not in signed.stderr


def test_keygen_when_the_file_exists_then_nothing_happens(desk: Desk) -> None:
    """A key is never written over another."""
    before = (desk.directory / "ana.key").read_bytes()
    made = desk.run("keygen", "--out", "ana.key", "--passphrase-file", "passphrase")

    assert made.returncode == 46
    assert (desk.directory / "ana.key").read_bytes() == before


def test_keygen_when_a_reader_shall_answer_then_a_signing_key_is_made_beside(desk: Desk) -> None:
    """One ceremony makes both keys under one passphrase; the keyset then names both."""
    made = desk.run(
        "keygen", "--reader", "bea", "--out", "bea2.key", "--passphrase-file", "passphrase"
    )
    recipient, signing = made.stdout.splitlines()
    assert recipient.startswith("age1pq1")
    assert Verifier.parse(signing).name == "tipline-reader/bea"
    assert (desk.directory / "bea2.key.signing").stat().st_mode & 0o777 == 0o600
    told = desk.run(
        "keygen", "--signing", "--reader", "ana", "--out", "ana.signing", "--passphrase-file",
        "passphrase", "--json",
    )  # fmt: skip
    fields = json.loads(told.stdout)
    assert fields.keys() == {"signing", "file"}

    for wrong in (["--signing"], ["--root", "--reader", "ana"], ["--reader", "Ana"]):
        refused = desk.run("keygen", *wrong, "--out", "x", "--passphrase-file", "passphrase")
        assert refused.returncode == 2
        assert not (desk.directory / "x").exists()


def test_keygen_when_for_the_networked_machine_then_tors_line_is_printed(desk: Desk) -> None:
    """The public half comes out as tor writes it; a passphrase makes no sense there."""
    made = desk.run("keygen", "--client", "--out", "client.key")

    assert made.returncode == 0
    assert re.fullmatch(r"descriptor:x25519:[A-Z2-7]{52}\n", made.stdout)
    refused = desk.run("keygen", "--client", "--out", "c", "--passphrase-file", "passphrase")
    assert refused.returncode == 2
    assert not (desk.directory / "c").exists()


def test_keygen_when_nobody_can_be_asked_then_it_says_so(desk: Desk) -> None:
    """Without a terminal and without a file there is no passphrase, and no key."""
    made = desk.run("keygen", "--out", "bea.key", stdin=b"secret\nsecret\n")

    assert made.returncode == 2
    assert not (desk.directory / "bea.key").exists()


# --- opening ----------------------------------------------------------------------------------


def test_open_when_all_is_well_then_the_tips_are_in_the_vault(desk: Desk) -> None:
    """First use pins the root, the ids come out on stdout, and the same again changes nothing."""
    desk.write_bundle(desk.seal(Tip(text="first")), desk.seal(Tip(text="second"), photo=PHOTO))
    opened = desk.open("--root", desk.root)

    assert (opened.returncode, lines(opened.stdout)) == (0, ["0" * 32, "1" + "0" * 31])
    counts = "2 opened, 0 opened before, 0 not sealed to you, 0 kept apart, 0 broken"
    assert lines(opened.stderr)[-1] == counts
    again = desk.open()
    assert (again.returncode, again.stdout) == (0, "")
    assert "opened before" in again.stderr
    place = desk.directory / "vault" / "tips" / ("1" + "0" * 31)
    assert (place / "files" / "01.jpg").read_bytes() == PHOTO


def test_open_when_one_tip_is_broken_then_it_is_named_and_the_rest_opens(desk: Desk) -> None:
    """The broken tip is named, the others are opened, and the exit code is its own."""
    good = desk.seal(Tip(text="a"))
    desk.write_bundle(good, b"x" * len(good), good)
    opened = desk.open("--root", desk.root)

    assert opened.returncode == 47
    assert lines(opened.stdout) == ["0" * 32, "2" + "0" * 31]
    words = "this is not in the format it should be in (version)"
    assert f"tip 1{'0' * 31}: broken, left out: {words}" in opened.stderr
    assert "tipline: error: 1 tip of this bundle is broken and was left out" in opened.stderr


def test_open_when_a_member_is_hostile_then_it_is_refused_aloud(desk: Desk) -> None:
    """The desk names the member and the reason, harmlessly printed, and unpacks nothing."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("../\x1b[2Jescape"), io.BytesIO())
        link = tarfile.TarInfo("files/01.a")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    payload = written.getvalue().ljust(payload_len_of(RUNGS[1]), b"\0")[: payload_len_of(RUNGS[1])]
    desk.write_bundle(desk.seal_payload(payload))
    opened = desk.open("--root", desk.root)

    assert opened.returncode == 17
    said = lines(opened.stderr)
    tip_id = "0" * 32
    assert f"tip {tip_id}: not in our format, kept apart, not unpacked" in said
    name, words = "../\\u{1b}[2Jescape", "a name that leads out of its directory"
    assert f"tip {tip_id}: refused member {name} ({words})" in said
    assert f"tip {tip_id}: refused member files/01.a (a link)" in said
    assert "\x1b" not in opened.stderr + opened.stdout
    in_spanish = run("show", tip_id, "--vault", "vault", directory=desk.directory, language="es")
    assert "un enlace" in in_spanish.stdout
    kept = desk.directory / "vault" / "foreign" / tip_id
    assert [path.name for path in kept.iterdir()] == ["payload.tar"]
    shown = desk.run("show", tip_id, "--vault", "vault")
    assert f"refused: {name} ({words})" in shown.stdout
    assert desk.run("list", "--vault", "vault").stdout.endswith("  kept apart\n")


def test_open_when_the_key_is_a_strangers_then_it_says_so(desk: Desk) -> None:
    """Nothing in the bundle is for this key: a plain sentence and an exit code of its own."""
    desk.write_bundle(desk.seal(Tip(text="a")))
    desk.run("keygen", "--out", "bea.key", "--passphrase-file", "passphrase")
    opened = desk.run(
        "open", "bundle", "--vault", "vault", "--root", desk.root, "-i", "bea.key",
        "--passphrase-file", "passphrase", "--json",
    )  # fmt: skip

    assert opened.returncode == 13
    assert "not sealed to you" in opened.stderr
    assert [tip["state"] for tip in json.loads(opened.stdout)["tips"]] == ["not_for_you"]


@pytest.mark.parametrize(
    ("exit_code", "words", "more"),
    [
        (15, "wrong passphrase", ["-i", "ana.key", "--passphrase-file", "wrong"]),
        (46, "No such file", ["-i", "missing.key", "--passphrase-file", "passphrase"]),
        (11, "not in the format", ["-i", "readers.toml", "--passphrase-file", "passphrase"]),
        (42, "others", ["-i", "open.key", "--passphrase-file", "passphrase"]),
        (2, "terminal", ["-i", "ana.key"]),
    ],
)
def test_open_when_the_key_cannot_be_used_then_the_reason_and_the_code_say_so(
    desk: Desk, exit_code: int, words: str, more: Sequence[str]
) -> None:
    """Wrong passphrase, wrong file, others' eyes: each its words and its exit code."""
    (desk.directory / "open.key").write_bytes((desk.directory / "ana.key").read_bytes())
    (desk.directory / "open.key").chmod(0o644)
    desk.write_bundle(desk.seal(Tip(text="a")))
    opened = desk.run("open", "bundle", "--vault", "vault", "--root", desk.root, *more)

    assert opened.returncode == exit_code, opened.stderr
    assert words in opened.stderr
    assert not list((desk.directory / "vault" / "tips").iterdir())


def test_open_when_the_bundle_was_cut_then_it_says_so(desk: Desk) -> None:
    """A bundle that was not copied whole opens nothing."""
    desk.write_bundle(desk.seal(Tip(text="a")))
    whole = (desk.directory / "bundle").read_bytes()
    (desk.directory / "bundle").write_bytes(whole[:-1])
    opened = desk.open("--root", desk.root)

    assert opened.returncode == 44
    assert "its end is missing" in opened.stderr


def test_open_when_another_root_is_pinned_then_it_says_so(desk: Desk) -> None:
    """The root of the first use stays; no option changes it."""
    other = Signer.generate("tipline-root").verifier().format()
    assert desk.run("init", "--vault", "vault", "--root", other).returncode == 0
    desk.write_bundle(desk.seal(Tip(text="a")))

    refused = desk.open("--root", desk.root)
    assert (refused.returncode, refused.stdout) == (48, "")
    unsigned = desk.open()
    assert unsigned.returncode == 18
    assert "not signed by the desk root" in unsigned.stderr


def test_init_when_the_key_is_not_a_roots_then_it_says_so(desk: Desk) -> None:
    """The service's key, typed by mistake, is not pinned."""
    other = desk.service.verifier().format()
    done = desk.run("init", "--vault", "vault", "--root", other)

    assert done.returncode == 2
    assert "not the key of a desk root" in done.stderr
    assert not (desk.directory / "vault").exists()


def test_open_when_an_older_keyset_comes_back_then_it_says_so(desk: Desk) -> None:
    """After a newer keyset was seen, a bundle with an older one is refused."""
    first = (desk.directory / "keyset").read_bytes()
    sign(desk, "--previous", "keyset", "--out", "keyset-2")
    save_private(desk.directory / "keyset", (desk.directory / "keyset-2").read_bytes())
    desk.write_bundle(desk.seal(Tip(text="a")))
    assert desk.open("--root", desk.root).returncode == 0

    save_private(desk.directory / "keyset", first)
    desk.write_bundle(desk.seal(Tip(text="a")))
    opened = desk.open()
    assert opened.returncode == 18
    assert "keyset 1 is older than keyset 2" in opened.stderr


# --- reading ----------------------------------------------------------------------------------


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """A vault with a tip that would like to be obeyed, and one that the service sealed."""
    tip = Tip(
        text=HOSTILE_TEXT,
        channel="works",
        sealing="browser",
        kind="report",
        place="under\nthe bridge",
        danger=True,
        reply_wanted=False,
        build="b\x07",
    )
    desk.write_bundle(desk.seal(tip, photo=PHOTO), desk.seal(Tip(text="plain")))
    assert desk.open("--root", desk.root).returncode == 0
    return desk


def test_list_when_there_are_tips_then_each_has_a_line(filled: Desk) -> None:
    """One line a tip: id, day, channel, state."""
    today = datetime.datetime.now(datetime.UTC).date()

    assert lines(filled.run("list", "--vault", "vault").stdout) == [
        f"{'0' * 32}  {today}  works  opened",
        f"1{'0' * 31}  {today}  works  opened",
    ]
    listed = json.loads(filled.run("list", "--vault", "vault", "--json").stdout)
    assert [tip["sealed_by_service"] for tip in listed["tips"]] == [False, True]


def test_show_when_the_terminal_cannot_write_it_then_it_is_spelled_out(filled: Desk) -> None:
    """A tip is read whole on a terminal of any encoding."""
    shown = subprocess.run(
        [sys.executable, "-m", "tipline", "desk", "show", "00", "--vault", "vault"],
        cwd=filled.directory,
        env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert shown.stdout.splitlines()[-1] == b"second line, 5 \\u20ac"


def test_show_when_the_text_would_be_obeyed_then_it_is_written_out(filled: Desk) -> None:
    """No escape, direction mark or false line gets out; claims are called claims."""
    shown = filled.run("show", "00", "--vault", "vault")

    assert shown.returncode == 0
    for character in "\x1b\u202e\x07\x9b":
        assert character not in shown.stdout
    said = lines(shown.stdout)
    assert "sealed: in the source's browser, as the tip itself claims" in said
    assert "What the tip says of itself (claims, checked by nobody):" in said
    assert "  place in words: under\\u{a}the bridge" in said
    assert "  somebody is in danger: yes" in said
    assert "  reply wanted: no" in said
    assert "  page build: b\\u{7}" in said
    assert "  files/01.jpg (named ../\\u{1b}[1mbridge\\u{202e}gpj.exe, image/jpeg)" in said
    assert said[-2:] == ["look\\u{1b}[2J\\u{202e}fdp.exe", "second line, 5 €"]


def open_categories(desk: Desk) -> None:
    """Sign a keyset with a category; open a tip of that category and one that invents its own."""
    readers = desk.directory / "readers.toml"
    readers.write_text(
        readers.read_text().replace("\n[[channel.reader]]", CATEGORY + "\n[[channel.reader]]")
    )
    (desk.directory / "keyset").unlink()
    assert sign(desk, "--out", "keyset").returncode == 0
    tips = (Tip(text="a", channel="works", category="money"), Tip(text="b", category="other"))
    desk.write_bundle(*(desk.seal(tip) for tip in tips))
    assert desk.open("--root", desk.root).returncode == 0


def test_show_when_the_keyset_names_a_category_then_its_name_is_shown(desk: Desk) -> None:
    """The name that the desk signed, in the reader's language, with the id beside it."""
    open_categories(desk)
    words = ("show", "00", "--vault", "vault")
    english = desk.run(*words).stdout
    spanish = run(*words, directory=desk.directory, language="es").stdout

    assert "category: Public money (id money)" in english
    assert english.count("channel: Works (id works)") == 2
    assert "categoría: Dinero público (id money)" in spanish
    assert spanish.count("canal: Obras (id works)") == 2


def test_show_when_no_keyset_names_a_category_then_the_id_is_named_as_one(desk: Desk) -> None:
    """An id that nobody signed is not taken for a name."""
    open_categories(desk)

    shown = desk.run("show", "1", "--vault", "vault").stdout
    assert "category: other (an id; no keyset here names it)" in shown


def test_show_when_the_vaults_keyset_was_changed_then_it_says_so_and_names_nothing(
    desk: Desk,
) -> None:
    """A changed keyset gives no names, and the reader still gets the tip."""
    open_categories(desk)
    keyset = desk.directory / "vault" / "keyset"
    keyset.write_bytes(keyset.read_bytes().replace(b"Public money", b"Pocket money"))

    shown = desk.run("show", "00", "--vault", "vault")
    assert shown.returncode == 0
    assert "cannot be used for names: " in shown.stderr
    assert "category: money (an id; no keyset here names it)" in shown.stdout
    assert "Pocket" not in shown.stdout


def test_show_when_the_service_sealed_then_that_is_said(filled: Desk) -> None:
    """The service's own record counts, not what the tip claims."""
    shown = filled.run("show", "1", "--vault", "vault").stdout

    assert "sealed: by the service: it could read this tip for a moment" in shown


def test_show_when_a_machine_reads_then_nothing_is_lost_and_nothing_obeyed(filled: Desk) -> None:
    """JSON carries the text exactly, in ASCII."""
    shown = filled.run("show", "00", "--vault", "vault", "--json").stdout

    assert shown.isascii()
    assert json.loads(shown)["tip"]["text"] == HOSTILE_TEXT
    assert json.loads(shown)["record"]["claimed_sealing"] == "browser"


@pytest.mark.parametrize("command", ["show", "export"])
def test_reading_when_there_is_no_such_tip_then_it_says_so(filled: Desk, command: str) -> None:
    """An id that fits nothing is an error with an exit code of its own."""
    more = ["--out", "out"] if command == "export" else []
    done = filled.run(command, "ff", "--vault", "vault", *more)

    assert (done.returncode, done.stdout) == (48, "")
    assert "no such tip" in done.stderr


def test_export_when_asked_then_the_files_are_copied_and_nothing_overwritten(
    filled: Desk,
) -> None:
    """The files come out under their generated names, into a new directory only."""
    done = filled.run("export", "00", "--vault", "vault", "--out", "case", "--untouched")

    photo = "case/untouched/files/01.jpg"
    untouched = [photo, "case/untouched/tip.json"]
    assert lines(done.stdout) == ["case/text.txt", "case/tip.json", *untouched]
    assert (filled.directory / photo).read_bytes() == PHOTO
    assert (filled.directory / "case" / "text.txt").read_bytes() == HOSTILE_TEXT.encode()
    again = filled.run("export", "1", "--vault", "vault", "--out", "case", "--json")
    assert again.returncode == 46
    assert (filled.directory / "case" / "text.txt").read_bytes() == HOSTILE_TEXT.encode()
    other = filled.run("export", "1", "--vault", "vault", "--out", "case-2", "--json")
    assert json.loads(other.stdout) == {
        "files": ["case-2/text.txt", "case-2/tip.json"],
        "found": [],
        "untouched": [],
    }


SAID = "files/01.jpg: WARNING: said to be clean, but the desk found: device"


def test_open_when_a_file_is_not_as_clean_as_the_tip_says_then_it_is_named(desk: Desk) -> None:
    """Each file is looked at again; the one that belies its tip is told at once, and later."""
    telling = make_jpeg(segment(0xE1, b"Exif\0\0" + make_exif([(0x010F, 2, 4, b"Cam\0")])))
    clean = Cleaning(state="clean", rules=1)
    desk.write_bundle(
        desk.seal(Tip(text="a"), photo=telling, cleaning=clean),
        desk.seal(Tip(text="b"), photo=make_jpeg(), cleaning=clean),
    )
    done = desk.open("--root", desk.root, "--json")

    assert done.returncode == 0
    assert f"tip {'0' * 32}: {SAID}" in lines(done.stderr)
    assert f"tip 1{'0' * 31}" not in done.stderr
    found = [tip["files"] for tip in json.loads(done.stdout)["tips"]]
    assert [(one["state"], one["belied"]) for (one,) in found] == [
        ("found", True),
        ("clean", False),
    ]
    shown = desk.run("show", "00", "--vault", "vault")
    said = lines(shown.stdout)
    heading = said.index("What the desk found in the files:")
    assert said[heading + 1] == f"  {SAID}"
    assert heading < said.index("What the tip says of itself (claims, checked by nobody):")
    told = json.loads(desk.run("show", "1", "--vault", "vault", "--json").stdout)
    assert [one["state"] for one in told["found"]] == ["clean"]


def test_open_when_there_is_no_sandbox_then_the_text_is_there_and_the_files_wait(
    desk: Desk,
) -> None:
    """A missing program keeps nobody from reading, and no file is parsed without it."""
    desk.write_bundle(desk.seal(Tip(text="read me"), photo=make_jpeg()))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tipline", "desk", "open", "bundle", "--vault", "vault"),
            *("-i", "ana.key", "--passphrase-file", "passphrase", "--root", desk.root),
        ],
        cwd=desk.directory,
        env={**ENVIRONMENT, "PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0
    assert lines(done.stderr)[1:5] == [
        "1 opened, 0 opened before, 0 not sealed to you, 0 kept apart, 0 broken",
        "the files of these tips were not looked at; they stay unopened:",
        "bubblewrap is not installed: without it no file is opened",
        "apt-get install --no-install-recommends bubblewrap",
    ]
    shown = desk.run("show", "00", "--vault", "vault").stdout
    assert lines(shown)[-1] == "read me"
    assert "  files/01.jpg: not looked at; to have it looked at, open the bundle again" in lines(
        shown
    )
    again = json.loads(desk.open("--json").stdout)["tips"]
    assert [(tip["state"], tip["files"][0]["state"]) for tip in again] == [("already", "clean")]
    third = json.loads(desk.open("--json").stdout)["tips"]
    assert [(tip["state"], tip["files"]) for tip in third] == [("already", [])]
