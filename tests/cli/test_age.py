"""Transcripts of `tipline age`: arguments and stdin in; stdout, stderr, files and exit code out."""

from __future__ import annotations

import os
import re
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.age.x25519 import X25519Identity
from crypto.secret import Secret

ROOT = Path(__file__).resolve().parents[2]
HYBRID = HybridIdentity(Secret(bytes(range(32))))
OTHER = HybridIdentity(Secret(bytes(32)))
CLASSIC = X25519Identity(Secret(bytes(range(32))))
RECIPIENT = HYBRID.recipient().format()
PLAIN = "Señal, 1 línea\n".encode()
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "PYTHONPATH": str(ROOT)}


def run(
    *arguments: str | Path, directory: Path, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tipline", "age", *arguments],
        cwd=directory,
        env=ENVIRONMENT,
        input=stdin,
        capture_output=True,
        check=False,
        start_new_session=True,  # without a terminal to ask at
        timeout=60,
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with two identities, a passphrase and a plain file."""
    for name, identity in (("key", HYBRID), ("other", OTHER), ("classic", CLASSIC)):
        save_private(tmp_path / name, identity.format().reveal() + b"\n")
    save_private(tmp_path / "passphrase", b"correct horse\n")
    save_private(tmp_path / "wrong", b"battery staple\n")
    (tmp_path / "plain").write_bytes(PLAIN)
    return tmp_path


def save_private(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def seal(directory: Path, *arguments: str) -> bytes:
    result = run(*(arguments or ("-r", RECIPIENT)), directory=directory, stdin=PLAIN)
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout


def list_names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


# --- sealing and opening ----------------------------------------------------------------------


def test_age_when_it_seals_and_opens_through_pipes_then_the_bytes_are_the_same(
    directory: Path,
) -> None:
    """stdin to stdout, both ways, with nothing on stderr."""
    sealed = seal(directory)
    assert sealed.startswith(b"age-encryption.org/v1\n-> mlkem768x25519 ")

    opened = run("-d", "-i", "key", directory=directory, stdin=sealed)

    assert (opened.returncode, opened.stdout, opened.stderr) == (0, PLAIN, b"")


def test_age_when_given_files_then_they_are_private_and_the_same(directory: Path) -> None:
    """-o makes a file that only its owner reads, and prints nothing."""
    sealed = run("-r", RECIPIENT, "-o", "sealed", "plain", directory=directory)
    opened = run("-d", "-i", "key", "-o", "opened", "sealed", directory=directory)

    for result in (sealed, opened):
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert (directory / "opened").read_bytes() == PLAIN
    for name in ("sealed", "opened"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600


def test_age_when_armored_then_it_is_noticed_without_being_told(directory: Path) -> None:
    """-a writes text; -d needs no flag for it."""
    text = seal(directory, "-a", "-r", RECIPIENT)
    assert text.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert text.endswith(b"\n-----END AGE ENCRYPTED FILE-----\n")

    opened = run("-d", "-i", "key", directory=directory, stdin=b"\r\n" + text)

    assert (opened.returncode, opened.stdout) == (0, PLAIN)


def test_age_when_given_recipient_files_then_each_reader_opens_it(directory: Path) -> None:
    """-R takes a file with comments, - takes stdin; any one identity suffices."""
    lines = f"# readers\n{RECIPIENT}\n\n{OTHER.recipient().format()}\n"
    (directory / "readers").write_text(lines)
    result = run("-R", "readers", "-o", "sealed", "plain", directory=directory)
    assert result.returncode == 0
    piped = run("-R", "-", "-o", "piped", "plain", directory=directory, stdin=lines.encode())
    assert piped.returncode == 0

    for name in ("sealed", "piped"):
        for key in (["-i", "key"], ["-i", "classic", "-i", "other"]):
            opened = run("-d", *key, name, directory=directory)
            assert (opened.returncode, opened.stdout) == (0, PLAIN)


def test_age_when_given_classic_keys_then_it_reads_and_writes_them(directory: Path) -> None:
    """What age of old sealed opens, and the other way round."""
    sealed = seal(directory, "-r", CLASSIC.recipient().format())
    assert b"-> X25519 " in sealed

    opened = run("-d", "-i", "classic", directory=directory, stdin=sealed)

    assert (opened.returncode, opened.stdout) == (0, PLAIN)


def test_age_when_given_a_passphrase_file_then_only_it_opens(directory: Path) -> None:
    """-p seals under a passphrase; a wrong one has an exit code of its own."""
    sealed = seal(directory, "-p", "--passphrase-file", "passphrase")
    assert re.match(rb"age-encryption.org/v1\n-> scrypt \S{22} 18\n", sealed)

    right = run("-d", "--passphrase-file", "passphrase", directory=directory, stdin=sealed)
    wrong = run("-d", "--passphrase-file", "wrong", directory=directory, stdin=sealed)

    assert (right.returncode, right.stdout) == (0, PLAIN)
    assert (wrong.returncode, wrong.stdout) == (15, b"")
    assert wrong.stderr == b"tipline: error: wrong passphrase\n"


def test_age_when_an_identity_file_is_sealed_then_its_passphrase_opens_it(
    directory: Path,
) -> None:
    """An identity file may be an age file under a passphrase, armored or not."""
    sealed = seal(directory)
    for flags in ([], ["-a"]):
        made = run(
            *flags,
            "-p",
            "--passphrase-file",
            "passphrase",
            "-o",
            "locked",
            "key",
            directory=directory,
        )
        assert made.returncode == 0

        arguments = ("-d", "-i", "locked", "--passphrase-file")
        right = run(*arguments, "passphrase", directory=directory, stdin=sealed)
        wrong = run(*arguments, "wrong", directory=directory, stdin=sealed)

        assert (right.returncode, right.stdout) == (0, PLAIN)
        assert (wrong.returncode, wrong.stderr) == (15, b"tipline: error: wrong passphrase\n")


# --- what does not open -----------------------------------------------------------------------


def test_age_when_the_key_is_another_then_it_says_so_and_leaves_nothing(directory: Path) -> None:
    """A wrong key has an exit code of its own, and no file appears."""
    (directory / "sealed").write_bytes(seal(directory))
    before = list_names(directory)

    result = run("-d", "-i", "other", "-o", "opened", "sealed", directory=directory)

    assert (result.returncode, result.stdout) == (13, b"")
    assert result.stderr.startswith(b"tipline: error: none of the keys given opens this\n")
    assert list_names(directory) == before


@pytest.mark.parametrize("cut", [1, 16, 60])
def test_age_when_the_file_is_cut_then_nothing_remains(directory: Path, cut: int) -> None:
    """A truncated file fails, and neither a part nor a temporary file is left."""
    (directory / "sealed").write_bytes(seal(directory)[:-cut])
    before = list_names(directory)

    result = run("-d", "-i", "key", "-o", "opened", "sealed", directory=directory)

    assert result.returncode in {11, 14}
    assert result.stderr.startswith(b"tipline: error: ")
    assert list_names(directory) == before


def test_age_when_cut_after_genuine_chunks_then_the_old_output_stays(directory: Path) -> None:
    """INV-04: verified chunks take no name before the last one; an existing file stays."""
    plain = bytes(3 * 65536)
    (directory / "zeros").write_bytes(plain)
    run("-r", RECIPIENT, "-o", "sealed", "zeros", directory=directory)
    whole = (directory / "sealed").read_bytes()
    (directory / "sealed").write_bytes(whole[: -65536 - 16])
    (directory / "opened").write_bytes(b"what was here")
    before = list_names(directory)

    result = run("-d", "-i", "key", "-o", "opened", "sealed", directory=directory)

    assert result.returncode == 14
    assert result.stderr == (
        b"tipline: error: this was changed or cut on the way: its seal does not hold\n"
    )
    assert (directory / "opened").read_bytes() == b"what was here"
    assert list_names(directory) == before


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_age_when_stopped_in_the_middle_then_nothing_remains(
    directory: Path, stop: signal.Signals
) -> None:
    """INV-04: Ctrl-C, a kill and a closed terminal leave no part of the plaintext."""
    (directory / "zeros").write_bytes(bytes(40 * 65536))
    run("-r", RECIPIENT, "-o", "sealed", "zeros", directory=directory)
    whole = (directory / "sealed").read_bytes()
    before = list_names(directory)
    with subprocess.Popen(
        [sys.executable, "-m", "tipline", "age", "-d", "-i", "key", "-o", "opened"],
        cwd=directory,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(whole[: 20 * 65536])
        process.stdin.flush()
        while not list_names(directory) - before:
            assert process.poll() is None
        process.send_signal(stop)
        # A signal that comes just before a read begins is seen when the read returns.
        process.stdin.close()
        code = process.wait(timeout=60)

    assert code == 130
    assert list_names(directory) == before


def test_age_when_the_output_exists_then_it_is_replaced_whole(directory: Path) -> None:
    """As age does: -o replaces a file, once the new one is complete."""
    (directory / "opened").write_bytes(b"what was here, and longer than what comes")
    (directory / "sealed").write_bytes(seal(directory))

    result = run("-d", "-i", "key", "-o", "opened", "sealed", directory=directory)

    assert result.returncode == 0
    assert (directory / "opened").read_bytes() == PLAIN


def test_age_when_cut_on_stdout_then_the_exit_code_tells(directory: Path) -> None:
    """On stdout genuine chunks go out at once; that it was not all, the exit code says."""
    (directory / "zeros").write_bytes(bytes(3 * 65536))
    run("-r", RECIPIENT, "-o", "sealed", "zeros", directory=directory)
    whole = (directory / "sealed").read_bytes()

    result = run("-d", "-i", "key", directory=directory, stdin=whole[: -65536 - 16])

    assert (result.returncode, result.stdout) == (14, bytes(2 * 65536))


def test_age_when_the_input_is_no_age_file_then_it_says_so(directory: Path) -> None:
    """Plain text is not mistaken for a sealed file."""
    result = run("-d", "-i", "key", "plain", directory=directory)

    assert (result.returncode, result.stdout) == (11, b"")
    assert result.stderr.startswith(b"tipline: error: this is not in the format it should be in (")


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is nobody to seal to"),
        (["-p", "-r", RECIPIENT], "a passphrase (-p) goes with no recipient (-r, -R)"),
        (["-p", "-R", "plain"], "a passphrase (-p) goes with no recipient (-r, -R)"),
        (["-i", "key"], "-i goes with -d"),
        (["-d", "-r", RECIPIENT], "-r, -R, -p and -a do not go with -d"),
        (["-d", "-R", "plain"], "-r, -R, -p and -a do not go with -d"),
        (["-d", "-p"], "-r, -R, -p and -a do not go with -d"),
        (["-d", "-a"], "-r, -R, -p and -a do not go with -d"),
        (["-d", "-i", "-"], "only one of the files can be stdin"),
        (["-R", "-", "-"], "only one of the files can be stdin"),
        (
            ["-r", RECIPIENT, "--passphrase-file", "passphrase"],
            "nothing asks for the passphrase that was given",
        ),
        (["-y", "key"], "-y goes with keygen, and keygen with -o and -y alone"),
        (["keygen", "-a"], "-y goes with keygen, and keygen with -o and -y alone"),
        (["keygen", "-d"], "-y goes with keygen, and keygen with -o and -y alone"),
        (["keygen", "-i", "key"], "-y goes with keygen, and keygen with -o and -y alone"),
        (
            ["keygen", "--passphrase-file", "passphrase"],
            "nothing asks for the passphrase that was given",
        ),
        (["-p"], "there is no terminal to ask for the passphrase at"),
    ],
)
def test_age_when_called_wrongly_then_it_says_how(
    directory: Path, arguments: list[str], said: str
) -> None:
    """Flags that do not go together end with 2, one line and no output."""
    result = run(*arguments, directory=directory)

    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().splitlines()[0] == f"tipline: error: {said}"


def test_age_when_recipients_are_mixed_then_nothing_is_sealed(directory: Path) -> None:
    """A classic recipient beside a hybrid one is refused."""
    result = run(
        "-r",
        RECIPIENT,
        "-r",
        CLASSIC.recipient().format(),
        "-o",
        "sealed",
        "plain",
        directory=directory,
    )

    assert (result.returncode, result.stdout) == (16, b"")
    assert b"recipients of more than one kind" in result.stderr
    assert not (directory / "sealed").exists()


@pytest.mark.parametrize("name", ["key", "passphrase"])
def test_age_when_others_can_read_a_secret_then_it_is_refused(directory: Path, name: str) -> None:
    """A file with a secret has mode 0600, or it is not used."""
    sealed = seal(directory, "-p", "--passphrase-file", "passphrase")
    (directory / name).chmod(0o640)
    flag = {"key": "-i", "passphrase": "--passphrase-file"}[name]

    result = run("-d", flag, name, directory=directory, stdin=sealed)

    assert (result.returncode, result.stdout) == (42, b"")
    error, hint = result.stderr.decode().splitlines()
    assert error == f"tipline: error: {name} holds a secret, but others can read it"
    assert hint.startswith(
        f"tipline: hint: take the right away from others: chmod 600 {name}; a stick with FAT"
    )


@pytest.mark.parametrize(
    "arguments",
    [["-d", "-i", "missing", "plain"], ["-r", RECIPIENT, "missing"], ["-R", "missing", "plain"]],
)
def test_age_when_a_file_is_missing_then_it_is_named(directory: Path, arguments: list[str]) -> None:
    """A missing file is named, with the system's reason."""
    result = run(*arguments, directory=directory)

    assert (result.returncode, result.stdout) == (46, b"")
    assert result.stderr == b"tipline: error: missing: No such file or directory\n"


def test_age_when_the_output_is_a_device_or_directory_then_it_is_left_alone(
    directory: Path,
) -> None:
    """A rename would take a device's place; so only ordinary files are written."""
    os.mkfifo(directory / "pipe")
    for name in ("pipe", "."):
        result = run("-r", RECIPIENT, "-o", name, "plain", directory=directory)
        assert result.returncode == 46
    assert stat.S_ISFIFO((directory / "pipe").stat().st_mode)


# --- keys -------------------------------------------------------------------------------------


def test_keygen_when_it_makes_an_identity_then_it_reads_as_age_keygens(directory: Path) -> None:
    """A comment with the day, one with the recipient, the identity; the recipient on stderr."""
    result = run("keygen", directory=directory)

    lines = result.stdout.decode().split("\n")
    assert result.returncode == 0
    assert re.fullmatch(r"# created: \d{4}-\d{2}-\d{2}", lines[0])
    assert re.fullmatch(r"# public key: age1pq1[a-z0-9]{1952}", lines[1])
    assert re.fullmatch(r"AGE-SECRET-KEY-PQ-1[A-Z0-9]{58}", lines[2])
    assert lines[3:] == [""]
    assert result.stderr.decode() == f"Public key: {lines[1].removeprefix('# public key: ')}\n"


def test_keygen_when_given_a_file_then_it_is_private_and_never_replaced(directory: Path) -> None:
    """A key is not written over another."""
    first = run("keygen", "-o", "new", directory=directory)
    content = (directory / "new").read_bytes()
    second = run("keygen", "-o", "new", directory=directory)

    assert (first.returncode, first.stdout) == (0, b"")
    assert first.stderr.startswith(b"Public key: age1pq1")
    assert stat.S_IMODE((directory / "new").stat().st_mode) == 0o600
    assert (second.returncode, second.stderr) == (46, b"tipline: error: new: File exists\n")
    assert (directory / "new").read_bytes() == content
    assert not [name for name in list_names(directory) if "partial" in name]


def test_keygen_when_made_then_what_is_sealed_to_it_opens(directory: Path) -> None:
    """The identity made is one that works, and -y gives its recipient."""
    run("keygen", "-o", "new", directory=directory)
    shown = run("keygen", "-y", "new", directory=directory)
    assert (shown.returncode, shown.stderr) == (0, b"")
    recipient = shown.stdout.decode().strip()

    sealed = seal(directory, "-r", recipient)
    opened = run("-d", "-i", "new", directory=directory, stdin=sealed)

    assert (opened.returncode, opened.stdout) == (0, PLAIN)


def test_keygen_when_asked_for_recipients_then_each_identity_has_one(directory: Path) -> None:
    """-y reads several identities, from stdin too."""
    keys = b"".join((directory / name).read_bytes() for name in ("key", "classic"))

    result = run("keygen", "-y", "-", directory=directory, stdin=keys)

    expected = f"{RECIPIENT}\n{CLASSIC.recipient().format()}\n"
    assert (result.returncode, result.stdout.decode(), result.stderr) == (0, expected, b"")


# --- at a terminal ----------------------------------------------------------------------------

# Takes the terminal named first as its own, and becomes the command that follows.
TAKE_TERMINAL = (
    "import os, sys; os.open(sys.argv[1], os.O_RDWR); os.execv(sys.argv[2], sys.argv[2:])"
)


def run_at_terminal(
    *arguments: str, directory: Path, typed: list[tuple[str, str]], show: bool = False
) -> tuple[int, str, bytes]:
    """
    Run the command with a terminal, typing an answer at each prompt.

    Returns the exit code, what the terminal showed, and stdout if it is not the terminal.
    """
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", TAKE_TERMINAL, os.ttyname(theirs)]
    command += [sys.executable, "-m", "tipline", "age", *arguments]
    with subprocess.Popen(
        command,
        cwd=directory,
        env=ENVIRONMENT,
        stdin=theirs,  # held from birth, so that the terminal does not end before it begins
        stdout=theirs if show else subprocess.PIPE,
        stderr=subprocess.STDOUT if show else subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = ""
        for prompt, answer in typed:
            shown += read_until(ours, prompt)
            os.write(ours, answer.encode() + b"\n")
        stdout = process.stdout.read() if process.stdout else b""
        shown += read_until(ours, None)
        code = process.wait(timeout=60)
    os.close(ours)
    return code, shown.replace("\r\n", "\n"), stdout


def read_until(terminal: int, prompt: str | None) -> str:
    shown = b""
    while prompt is None or not shown.decode(errors="replace").endswith(prompt):
        readable, _, _ = select.select([terminal], [], [], 60)
        assert readable, shown
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux's word for the end: nobody holds the other side
            break
        shown += piece
    return shown.decode(errors="replace")


def test_age_when_a_passphrase_is_typed_then_it_is_asked_twice_and_not_shown(
    directory: Path,
) -> None:
    """A new passphrase is asked for twice, an old one once; neither appears."""
    secret = "typed-at-the-keyboard"
    code, shown, _ = run_at_terminal(
        "-p",
        "-o",
        "sealed",
        "plain",
        directory=directory,
        typed=[("New passphrase: ", secret), ("The same passphrase again: ", secret)],
    )
    assert code == 0, shown
    assert secret not in shown

    code, shown, stdout = run_at_terminal(
        "-d", "sealed", directory=directory, typed=[("Passphrase: ", secret)]
    )

    assert (code, stdout) == (0, PLAIN)
    assert secret not in shown


def test_age_when_the_second_passphrase_differs_then_nothing_is_sealed(directory: Path) -> None:
    """A slip of the finger does not lock a file for ever."""
    code, shown, _ = run_at_terminal(
        "-p",
        "-o",
        "sealed",
        "plain",
        directory=directory,
        typed=[("New passphrase: ", "one"), ("The same passphrase again: ", "two")],
        show=True,
    )

    assert code == 2
    assert "tipline: error: the two passphrases are not the same\n" in shown
    assert not (directory / "sealed").exists()


def test_age_when_an_identity_file_is_sealed_then_its_name_is_in_the_prompt(
    directory: Path,
) -> None:
    """Whoever has several identity files is told which one asks."""
    run("-p", "--passphrase-file", "passphrase", "-o", "locked", "key", directory=directory)
    (directory / "sealed").write_bytes(seal(directory))

    code, _, stdout = run_at_terminal(
        "-d",
        "-i",
        "locked",
        "sealed",
        directory=directory,
        typed=[("Passphrase for locked: ", "correct horse")],
    )

    assert (code, stdout) == (0, PLAIN)


def test_age_when_sealed_bytes_would_go_to_a_terminal_then_they_do_not(directory: Path) -> None:
    """Binary is not written to a terminal, unless one insists; armor is."""
    code, shown, _ = run_at_terminal(
        "-r", RECIPIENT, "plain", directory=directory, typed=[], show=True
    )
    assert code == 2
    assert shown.startswith("tipline: error: this is not text, and would disturb the terminal\n")

    code, shown, _ = run_at_terminal(
        "-r", RECIPIENT, "-o", "-", "plain", directory=directory, typed=[], show=True
    )
    assert code == 0
    assert shown.startswith("age-encryption.org/v1\n")

    code, shown, _ = run_at_terminal(
        "-a", "-r", RECIPIENT, "plain", directory=directory, typed=[], show=True
    )
    assert code == 0
    assert shown.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")


def test_age_when_what_was_opened_would_command_the_terminal_then_it_is_not_shown(
    directory: Path,
) -> None:
    """What a stranger sealed is shown as plain text or not at all."""
    (directory / "sealed").write_bytes(seal(directory))
    hostile = run("-r", RECIPIENT, directory=directory, stdin=b"\x1b]0;title\x07").stdout
    (directory / "hostile").write_bytes(hostile)

    code, shown, _ = run_at_terminal(
        "-d", "-i", "key", "sealed", directory=directory, typed=[], show=True
    )
    assert (code, shown) == (0, PLAIN.decode())

    code, shown, _ = run_at_terminal(
        "-d", "-i", "key", "hostile", directory=directory, typed=[], show=True
    )
    assert code == 2
    assert "\x1b" not in shown
