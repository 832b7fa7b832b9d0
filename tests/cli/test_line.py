"""init, keyset, serve and doctor, as an operator runs them."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import http.client
import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.envelope import AttachedFile, seal_tip
from crypto.keyset import choose_recipients, sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer, Verifier
from crypto.tip import Tip
from retention.policy import EVENTS
from tipline.backing_up import hold_copy
from tipline.example import format_policy
from tipline.instance import load_log_signer

ROOT = Signer.generate("tipline-root")
READER = HybridIdentity.generate()
TODAY = datetime.datetime.now(datetime.UTC).date()
POLICY = format_policy(
    {name: dict.fromkeys(events, 30) for name, events in EVENTS.items()},
    translate=lambda text: text,
)


def run(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tipline", *words],
        input=stdin,
        capture_output=True,
        timeout=120,
        env={**os.environ, "LANGUAGE": "en"},
    )


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path, for the sockets."""
    path = Path(tempfile.mkdtemp(prefix="cli-"))
    yield path / "line"
    shutil.rmtree(path)


def init(directory: Path) -> Verifier:
    words = ["--root", ROOT.verifier().format(), "--name", "Harbour", "--emergency", "112"]
    policy = directory.with_name("policy.toml")
    policy.write_bytes(POLICY)
    done = run("init", str(directory), *words, "--policy", str(policy), "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    return Verifier.parse(json.loads(done.stdout)["service"])


LOG = Signer.generate("tipline-log/" + 16 * "0").verifier()


def sign(
    service: Verifier, *, log: Verifier = LOG, days: int = 31, previous: bytes | None = None
) -> bytes:
    reader = Reader(
        id="office", name="Office", unit="U", since_on=TODAY, recipient=READER.recipient()
    )
    entry = ChannelReader(reader="office", from_on=TODAY, until_on=None, optional=False)
    names = dict.fromkeys(("en", "es", "pt"), "City")
    draft = KeysetDraft(
        valid_from=TODAY,
        valid_until=TODAY + datetime.timedelta(days=days - 1),
        service=service,
        log=log,
        witnesses=(),
        quorum=0,
        onion=None,
        readers=(reader,),
        channels=(Channel(id="city", names=names, categories=(), readers=(entry,)),),
    )
    return sign_keyset(draft, signer=ROOT, today=TODAY, previous=previous)


def install(directory: Path, note: bytes) -> subprocess.CompletedProcess[bytes]:
    (directory.parent / "note").write_bytes(note)
    return run("keyset", str(directory), str(directory.parent / "note"))


@pytest.fixture
def line(directory: Path) -> Path:
    """A line that can be served."""
    service = init(directory)
    note = sign(service, log=load_log_signer(directory).verifier())
    assert install(directory, note).returncode == 0
    return directory


@contextlib.contextmanager
def serve(directory: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tipline", "serve", str(directory), "--json", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LANGUAGE": "en"},
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def request(method: str, url: str, data: bytes | None = None, **headers: str) -> Any:
    asked = urllib.request.Request(url, data=data, method=method)
    for name, value in headers.items():
        asked.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.loads(answer.read())


def fetch_bundle(path: str) -> bytes:
    """Fetch a bundle from the desk's socket."""
    connection = http.client.HTTPConnection("desk.invalid", timeout=30)
    with socket.socket(socket.AF_UNIX) as connection.sock:
        connection.sock.connect(path)
        connection.request("GET", "/bundle")
        return connection.getresponse().read()


def attach(photo: bytes) -> AttachedFile:
    return AttachedFile(
        extension="jpg",
        size_bytes=len(photo),
        source=io.BytesIO(photo),
        name="harbour.jpg",
        media_type="image/jpeg",
    )


def send_tip(url: str, directory: Path, *, photo: bytes | None = None) -> None:
    """Send a text, with a photo or without, as a source's client does."""
    note = (directory / "keyset").read_bytes()
    keyset = verify_keyset(note, root=ROOT.verifier(), today=TODAY)
    sealed = io.BytesIO()
    seal_tip(
        sealed,
        tip=Tip(text="seen at the harbour"),
        files=[] if photo is None else [attach(photo)],
        recipients=choose_recipients(keyset, channel="city", today=TODAY),
    )
    data = sealed.getvalue()
    upload = f"{url}uploads/{secrets.token_hex(16)}"
    opening = {"channel": "city", "keyset": keyset.number, "size_bytes": len(data)}
    assert request("PUT", upload, json.dumps(opening).encode()) == {"state": "open", "offset": 0}
    checksum = "sha256 " + base64.b64encode(hashlib.sha256(data).digest()).decode()
    answer = request("PATCH", upload, data, Upload_Offset="0", Upload_Checksum=checksum)
    assert answer == {"state": "arrived"}


def test_init_when_everything_is_given_then_it_says_what_comes_next(directory: Path) -> None:
    """A newcomer is told each next step, with the key for the desk."""
    words = ["--root", ROOT.verifier().format(), "--name", "Harbour", "--emergency", "112"]
    done = run("init", str(directory), *words)
    assert done.returncode == 0
    said = done.stdout.decode()
    order = ("policy.toml", "desk.clients", "--service", "tipline-service+", "tipline keyset")
    order += ("tipline doctor", "tipline serve", "--onion", "set-up-a-line.md")
    assert sorted(order, key=said.index) == list(order)
    toml = (directory / "tipline.toml").read_text()
    assert "112" in toml
    assert "Si alguien" in toml or "peligro" in toml


def test_init_when_a_policy_is_given_then_nothing_is_left_to_decide(
    directory: Path, tmp_path: Path
) -> None:
    """Who brings the periods is not told to decide them; a file that is not there is named."""
    words = ["--root", ROOT.verifier().format(), "--name", "Harbour", "--emergency", "112"]
    missing = run("init", str(directory), *words, "--policy", str(tmp_path / "none"))
    assert missing.returncode == 46
    assert f"{tmp_path / 'none'}: No such file" in missing.stderr.decode()
    assert not directory.exists()

    policy = tmp_path / "periods.toml"
    policy.write_bytes(POLICY)
    said = run("init", str(directory), *words, "--policy", str(policy)).stdout.decode()
    assert "Decide in" not in said
    assert f"tipline policy check {directory}/policy.toml" in said


def test_init_when_something_is_missing_and_nobody_can_be_asked_then_usage_error(
    directory: Path,
) -> None:
    """Without a terminal the missing option is named, and nothing is made."""
    done = run("init", str(directory), "--name", "x", "--emergency", "112")
    assert done.returncode == 2
    assert b"--root" in done.stderr
    assert not directory.exists()


def test_keyset_when_forged_then_refused_with_its_own_exit_code(line: Path) -> None:
    """A keyset that the root did not sign is not installed."""
    before = (line / "keyset").read_bytes()
    done = install(line, before.replace(b"Office", b"Police"))
    assert done.returncode == 18
    assert b"not signed by the desk root" in done.stderr
    assert (line / "keyset").read_bytes() == before


def test_keyset_when_older_than_one_seen_then_refused(line: Path) -> None:
    """After a newer keyset the older one is refused."""
    first = (line / "keyset").read_bytes()
    service = verify_keyset(first, root=ROOT.verifier(), today=TODAY).service
    assert install(line, sign(service, previous=first)).returncode == 0
    done = install(line, first)
    assert done.returncode == 18
    assert b"keyset 1 is older than keyset 2" in done.stderr


def test_serve_when_a_newer_keyset_was_seen_then_the_page_takes_no_older_one(line: Path) -> None:
    """A page opened afresh remembers nothing, so it is told the highest number seen."""
    first = (line / "keyset").read_bytes()
    service = verify_keyset(first, root=ROOT.verifier(), today=TODAY).service
    assert install(line, sign(service, previous=first)).returncode == 0
    with (
        serve(line, "--loopback", "0", "--no-tor") as (_process, told),
        urllib.request.urlopen(told["loopback"] + "en/", timeout=30) as answer,
    ):
        page = answer.read()
    assert b'<meta name="tipline-keyset-minimum" content="2">' in page


def test_serve_when_stopped_then_what_arrived_is_there_after_the_next_start(line: Path) -> None:
    """SIGTERM ends the service with code 0, and the next start still has the tip."""
    with serve(line, "--loopback", "0", "--no-tor") as (process, told):
        send_tip(told["loopback"], line)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        _, talk = process.communicate()
    assert b"Traceback" not in talk
    assert not (line / "run" / "source.sock").exists()
    with serve(line, "--no-tor") as (process, told):
        bundle = fetch_bundle(told["desk_socket"])
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert len(bundle) > 65536


def test_serve_when_killed_then_what_arrived_is_there_after_the_next_start(line: Path) -> None:
    """kill -9 after the answer loses nothing, and leaves no lock behind."""
    with serve(line, "--loopback", "0", "--no-tor") as (process, told):
        send_tip(told["loopback"], line)
        process.kill()
        process.wait(30)
    with serve(line, "--loopback", "0", "--no-tor") as (process, told):
        send_tip(told["loopback"], line)
        bundle = fetch_bundle(told["desk_socket"])
    assert len(bundle) > 2 * 65536


def test_pull_when_texts_alone_are_wanted_then_they_come_and_it_says_what_is_missing(
    line: Path,
) -> None:
    """R-15: the texts come without what is larger, and nobody takes them for everything."""
    root = ROOT.verifier().format()
    with serve(line, "--loopback", "0", "--no-tor") as (_, told):
        send_tip(told["loopback"], line)
        send_tip(told["loopback"], line, photo=secrets.token_bytes(1000))
        words = ["desk", "pull", f"unix:{told['desk_socket']}", "--root", root, "--json", "--out"]
        texts = run(*words, str(line.parent / "texts"), "--texts")
        both = run(*words, str(line.parent / "both"))
    assert (texts.returncode, both.returncode, both.stderr) == (0, 0, b"")
    assert b"only texts" in texts.stderr
    said = [json.loads(done.stdout) for done in (texts, both)]
    assert [(told["tips"], told["texts_only"]) for told in said] == [(1, True), (2, False)]


def test_serve_when_served_already_then_the_second_is_refused(line: Path) -> None:
    """Starting twice is refused, and the first goes on."""
    with serve(line, "--loopback", "0", "--no-tor") as (_, told):
        done = run("serve", str(line), "--no-tor")
        assert done.returncode == 41
        assert b"runs already" in done.stderr
        send_tip(told["loopback"], line)


def test_serve_when_there_is_no_keyset_then_it_does_not_start(directory: Path) -> None:
    """A line nobody can read from does not start, and says what to do."""
    init(directory)
    done = run("serve", str(directory), "--no-tor")
    assert done.returncode == 41
    assert b"tipline keyset DIR FILE" in done.stderr


def test_serve_when_the_last_keyset_is_gone_then_all_else_goes_on(line: Path) -> None:
    """Its period is over and no other came: nothing is taken, and what is stored dies."""
    with serve(line, "--loopback", "0", "--no-tor") as (_, told):
        send_tip(told["loopback"], line)
    (line / "keyset").unlink()
    with serve(line, "--loopback", "0", "--no-tor") as (process, told):
        with urllib.request.urlopen(told["loopback"] + "notice", timeout=30) as answer:
            assert json.loads(answer.read()) == {"v": 1, "step": None, "on": None}
        with urllib.request.urlopen(told["loopback"] + "en/", timeout=30) as answer:
            assert b'<meta name="tipline-keyset-minimum" content="1">' in answer.read()
        with urllib.request.urlopen(told["loopback"] + "log/checkpoint", timeout=30) as answer:
            assert answer.read().startswith(b"tipline-log/")
        for method, path, data in (
            ("GET", "keyset", None),
            ("PUT", f"uploads/{32 * 'a'}", b'{"channel":"city","keyset":1,"size_bytes":65536}'),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                request(method, told["loopback"] + path, data)
            assert (refused.value.code, json.loads(refused.value.read())) == (
                409,
                {"error": "keyset"},
            )
        purged = run("purge", str(line), "--apply", "--json")
        assert purged.returncode == 0
        process.send_signal(signal.SIGTERM)
        _out, talk = process.communicate(timeout=60)
    assert b"There is no list of readers any more" in talk


def test_serve_when_the_policy_is_not_filled_in_then_it_does_not_start(line: Path) -> None:
    """Without the operator's periods the line does not start."""
    policy = line / "policy.toml"
    policy.write_text(policy.read_text().replace("picked_up = 30", "# picked_up ="))
    done = run("serve", str(line), "--no-tor")
    assert done.returncode == 31
    assert b"sealed_tip.picked_up" in done.stderr


def test_serve_when_tips_come_then_its_output_says_nothing_of_them(line: Path) -> None:
    """What goes to the journal does not change when tips come."""
    with serve(line, "--loopback", "0", "--no-tor") as (process, told):
        send_tip(told["loopback"], line)
        with contextlib.suppress(urllib.error.HTTPError):
            request("GET", told["loopback"] + "canary-path", User_Agent="canary-agent")
        process.send_signal(signal.SIGTERM)
        out, talk = process.communicate(timeout=30)
    assert out == b""
    assert talk == b"Stopping: what was begun is finished first.\n"


def doctor(directory: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    done = run("doctor", str(directory), "--json")
    found = json.loads(done.stdout)["findings"]
    return done.returncode, {finding["code"]: finding for finding in found}


def test_close_when_called_off_then_it_is_shown_first(line: Path) -> None:
    """An end, and a handover, are called off by --apply alone; what backups keep is said before."""
    on = (TODAY + datetime.timedelta(days=3)).isoformat()
    announced = run("close", str(line), "--on", on, "--apply")
    assert b"Every backup has the keys of the log" in announced.stdout
    for words, said in (
        ((), f"The end on {on} would be called off.\n"),
        (("--apply",), f"The end on {on} is called off.\n"),
    ):
        done = run("close", str(line), "--cancel", *words)
        assert (done.returncode, done.stdout.decode()) == (0, said)
        assert (done.stderr == b"nothing was done; --apply does it\n") == (not words)
    assert run("close", str(line), "--cancel", "--apply").returncode == 41
    (line / "handing-over").touch(mode=0o600)
    assert b"would go on here" in run("close", str(line), "--cancel").stdout
    assert (line / "handing-over").exists()
    assert run("close", str(line), "--cancel", "--apply").returncode == 0
    assert not (line / "handing-over").exists()


def test_doctor_when_the_line_is_well_then_nothing_is_wrong(line: Path) -> None:
    """A fresh line has warnings at most."""
    code, found = doctor(line)
    assert code == 0, found
    assert {finding["level"] for finding in found.values()} <= {"warning"}
    assert "desk_clients" in found
    said = run("doctor", str(line)).stdout.decode()
    assert "warning: no machine of the desk" in said


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("tor", '"no-such-tor"', "tor_missing"),
        ("disk_reserve_bytes", "4503599627370496", "disk_full"),
        ("nightly_hour", "24", "configuration_wrong_value"),
    ],
)
def test_doctor_when_the_configuration_is_wrong_then_it_is_named(
    line: Path, key: str, value: str, code: str
) -> None:
    """A missing tor, a full disk and a wrong value are each found, and the exit code says so."""
    path = line / "tipline.toml"
    lines = [
        f"{key} = {value}" if row.startswith(f"{key} =") else row
        for row in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines))
    exit_code, found = doctor(line)
    assert (exit_code, found[code]["level"]) == (49, "wrong")


def test_doctor_when_a_backup_was_killed_or_a_handover_begun_then_it_is_named(line: Path) -> None:
    """What lies there and is wanted by nobody is said; a backup that runs is not."""
    (line / "run" / "backup").mkdir(mode=0o700)
    with hold_copy(line):
        assert "copy_left" not in doctor(line)[1]
    (line / "run" / "backup").mkdir(mode=0o700)
    (line / "handing-over").touch(mode=0o600)
    found = doctor(line)[1]
    assert {found[code]["level"] for code in ("copy_left", "line_leaving")} == {"warning"}
    (line / "handing-over").unlink()
    assert run("purge", str(line), "--apply").returncode == 0
    assert not {"copy_left", "line_leaving"} & doctor(line)[1].keys()


def test_doctor_when_others_can_read_then_it_is_named(line: Path) -> None:
    """A directory that others can enter is found."""
    line.chmod(0o755)
    assert doctor(line)[1]["readable"]["level"] == "wrong"


def test_doctor_when_the_keyset_ends_within_ten_days_then_it_warns(directory: Path) -> None:
    """Ten days are the time to sign the next one."""
    service = init(directory)
    log = load_log_signer(directory).verifier()
    assert install(directory, sign(service, log=log, days=11)).returncode == 0
    assert "keyset_soon" not in doctor(directory)[1]
    note = (directory / "keyset").read_bytes()
    assert install(directory, sign(service, log=log, days=10, previous=note)).returncode == 0
    code, found = doctor(directory)
    assert (code, found["keyset_soon"]["level"]) == (0, "warning")


def test_doctor_when_the_keyset_names_another_service_then_it_is_wrong(directory: Path) -> None:
    """The desk would refuse what this line signs."""
    init(directory)
    other = Signer.generate("tipline-service").verifier()
    assert install(directory, sign(other)).returncode == 0
    assert doctor(directory)[1]["keyset_service"]["level"] == "wrong"


def test_doctor_when_the_keyset_names_another_log_then_it_is_wrong(directory: Path) -> None:
    """Auditors would refuse what this line's log signs."""
    assert install(directory, sign(init(directory))).returncode == 0
    assert doctor(directory)[1]["keyset_log"]["level"] == "wrong"


def test_doctor_when_it_is_no_line_then_said(directory: Path) -> None:
    """Any other directory is named as such."""
    assert doctor(directory)[0] == 49
    assert "instance_missing" in doctor(directory)[1]


def test_doctor_when_the_line_is_served_then_it_can_still_look(line: Path) -> None:
    """Looking does not need the lock."""
    with serve(line, "--no-tor"):
        assert doctor(line)[0] == 0
