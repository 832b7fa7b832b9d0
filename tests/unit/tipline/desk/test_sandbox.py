"""The sandbox, with an attacker inside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hostile import write_hostile
from tipline.desk import sandbox, viewing
from tipline.desk.sandbox import Answer, Job, make_command, open_sandbox
from tipline.desk.viewing import view_file
from tipline.errors import SandboxError
from tipline.rendering.answers import MAX_PAGES, FailedError, Failure

# Each tries a thing, and answers with one letter: y if it could, n if it could not.
TRY = """
try:
    {attempt}
except {errors}:
    os.write(1, b"n")
else:
    os.write(1, b"y")
"""

CALL = """import ctypes
    if ctypes.CDLL(None, use_errno=True).{call} < 0:
        raise OSError(ctypes.get_errno(), "")"""


def attempt(directory: Path, what: str, *, errors: str = "OSError", locked: bool) -> bytes:
    """Let the attacker try something; the letter of the answer."""
    job = write_hostile(directory, TRY.format(attempt=what, errors=errors), locked=locked)
    with open_sandbox(job) as answer:
        return answer.read(1)


def count_processes(word: str) -> int:
    """Count the processes whose command holds a word."""
    found = 0
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += word in place.read_text()
        except OSError:
            continue  # it ended meanwhile
    return found


SOCKETS = [
    "import socket; socket.create_connection(('127.0.0.1', PORT), 5)",
    "import socket; socket.create_connection(('1.1.1.1', 53), 5)",
    "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('1.1.1.1', 53))",
    "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/dbus/system_bus_socket')",
]


@pytest.mark.parametrize("locked", [False, True], ids=["walls", "lock"])
@pytest.mark.parametrize("what", SOCKETS)
def test_attacker_when_opening_a_socket_reaches_nobody(
    tmp_path: Path, what: str, locked: bool, unused_tcp_port: int
) -> None:
    """Neither a server that listens on this machine nor one elsewhere is reached."""
    import socket

    with socket.create_server(("127.0.0.1", unused_tcp_port)):
        what = what.replace("PORT", str(unused_tcp_port))
        assert attempt(tmp_path, what, locked=locked) == b"n"


@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX", "AF_NETLINK"])
def test_attacker_when_the_rights_are_given_up_makes_no_socket_at_all(
    tmp_path: Path, family: str
) -> None:
    """The lock alone holds, whatever the walls do."""
    what = f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)"
    assert attempt(tmp_path, what, errors="PermissionError", locked=True) == b"n"


@pytest.mark.parametrize("locked", [False, True], ids=["walls", "lock"])
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/1/cmdline", "/sys/kernel"]
)
def test_attacker_when_reading_the_machine_finds_nothing(
    tmp_path: Path, path: str, locked: bool
) -> None:
    """The machine's users, settings and processes are not in there."""
    assert Path(path).exists()
    assert attempt(tmp_path, f"os.stat({path!r})", locked=locked) == b"n"


@pytest.mark.parametrize("locked", [False, True], ids=["walls", "lock"])
def test_attacker_when_reading_the_desks_keys_finds_none(tmp_path: Path, locked: bool) -> None:
    """What lies beside the file, above it, or in a home is not in there: the file alone is."""
    key = tmp_path / "ana.age"
    key.write_text("AGE-SECRET-KEY-PQ-1")
    home = Path.home()
    body = f"""
    places = [{str(key)!r}, {str(tmp_path)!r}, {str(home / ".bashrc")!r}, "/input/ana.age"]
    names = sorted(os.listdir("/input"))
    seen = [place for place in places if os.path.lexists(place)]
    os.write(1, b"n" if names == ["file"] and not seen else b"y")
    """
    with open_sandbox(write_hostile(tmp_path, body, locked=locked)) as answer:
        assert answer.read(1) == b"n"


@pytest.mark.parametrize("locked", [False, True], ids=["walls", "lock"])
@pytest.mark.parametrize("path", ["/input/file", "/usr/lib/x", "/packages/own/tipline/x", "/x"])
def test_attacker_when_writing_changes_nothing(tmp_path: Path, path: str, locked: bool) -> None:
    """The file, the programs and our own code can be read, and not written."""
    assert attempt(tmp_path, f"open({path!r}, 'ab')", locked=locked) == b"n"
    assert (tmp_path / "shown").read_bytes()[-1:] == b"\0"


def test_attacker_when_the_rights_are_given_up_writes_nowhere(tmp_path: Path) -> None:
    """Not even into the sandbox's own memory."""
    what = "open('/tmp/x', 'wb')"
    assert attempt(tmp_path / "walls", what, locked=False) == b"y"
    assert attempt(tmp_path / "lock", what, errors="PermissionError", locked=True) == b"n"


@pytest.mark.parametrize("what", ["os.fork()", "os.execv('/usr/bin/true', ['true'])"])
def test_attacker_when_the_rights_are_given_up_starts_nothing(tmp_path: Path, what: str) -> None:
    """No process beside this one, and no other program in its place."""
    assert attempt(tmp_path, what, errors="PermissionError", locked=True) == b"n"


@pytest.mark.parametrize(
    "what",
    [
        "os.fork()",
        "os.posix_spawn('/usr/bin/true', ['true'], {})",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        # Memory that the bound of a process does not count.
        "os.memfd_create('m')",
        CALL.format(call="shmget(0, 4096, 0o1600)"),
        CALL.format(call="syscall(447, 0)"),  # memfd_secret
    ],
)
def test_attacker_when_in_libreoffices_place_starts_nothing_beside(
    tmp_path: Path, what: str
) -> None:
    """What opens office documents has more rights, but none to a process, network or memory."""
    lock = "from tipline.seccomp import refuse_processes; refuse_processes()"
    job = write_hostile(
        tmp_path, lock + TRY.format(attempt=what, errors="PermissionError"), locked=False
    )
    with open_sandbox(job) as answer:
        assert answer.read(1) == b"n"


def test_attacker_when_it_started_processes_takes_them_along(tmp_path: Path) -> None:
    """All that ever began in the sandbox ends with it."""
    body = """
    import time
    for _ in range(20):
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)
    os.write(1, b"y")
    time.sleep(1000)
    """
    job = write_hostile(tmp_path, body, locked=False)
    with open_sandbox(job) as answer:
        assert answer.read(1) == b"y"
        assert count_processes(job.module) >= 20
    wait_until_gone(job.module)


def wait_until_gone(word: str) -> None:
    """Wait for the kernel, which ends the processes of a namespace one by one."""
    deadline = time.monotonic() + 10
    while count_processes(word):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("locked", [False, True], ids=["walls", "lock"])
def test_attacker_when_looping_is_ended_in_time(tmp_path: Path, locked: bool) -> None:
    """The time on the wall ends it, and nothing of it goes on."""
    job = write_hostile(tmp_path, "while True: pass", locked=locked, limit_seconds=2)
    began = time.monotonic()
    view = view_file(job.path, tmp_path / "out", job=job)
    assert (view.failure, view.pages) == (Failure.TOO_SLOW, ())
    assert time.monotonic() - began < 10
    wait_until_gone(job.module)


def test_attacker_when_dripping_bytes_is_ended_in_time(tmp_path: Path) -> None:
    """A byte now and then wins no time: the deadline is one for all of it."""
    body = """
    import time
    os.write(1, format_page_head(1000, 1000))
    while True:
        os.write(1, b"x")
        time.sleep(0.05)
    """
    job = write_hostile(tmp_path, body, locked=True, limit_seconds=2)
    view = view_file(job.path, tmp_path / "out", job=job)
    assert (view.failure, view.pages) == (Failure.TOO_SLOW, ())
    assert list((tmp_path / "out").iterdir()) == []


def test_attacker_when_eating_memory_gets_no_more_than_its_bound(tmp_path: Path) -> None:
    """Two GiB of addresses, and then the kernel says no."""
    body = """
    taken = []
    try:
        while True:
            taken.append(bytearray(64 << 20))
    except MemoryError:
        os.write(1, bytes((len(taken),)))
    """
    with open_sandbox(write_hostile(tmp_path, body, locked=True)) as answer:
        (taken,) = answer.read(1)
    assert 20 <= taken < 32


@pytest.mark.parametrize("place", ["/tmp", "/"])
def test_attacker_when_filling_the_disk_in_memory_is_bounded(tmp_path: Path, place: str) -> None:
    """The one place to write is small, and lies in memory."""
    body = f"""
    limit()
    made = 0
    try:
        for number in range(100):
            with open({place!r} + f"/{{number}}", "wb") as file:
                for _ in range(16):
                    file.write(bytes(1 << 20))
                    made += 1
    except OSError:
        pass
    os.write(1, made.to_bytes(4, "big"))
    """
    with open_sandbox(write_hostile(tmp_path, body, locked=False)) as answer:
        made = int.from_bytes(answer.read(4), "big")
    assert made <= (256 if place == "/tmp" else 0)


def test_attacker_when_making_a_new_sandbox_of_its_own_is_refused(tmp_path: Path) -> None:
    """No further namespace of users, in which more of the kernel could be reached."""
    what = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True);"
        " rc = libc.unshare(0x10000000);"
        " (_ for _ in ()).throw(OSError()) if rc else None"
    )
    assert attempt(tmp_path, what, locked=False) == b"n"


ONE_PIXEL = "format_page_head(1, 1) + b'rgb'"
LIES = {
    "no end": f"os.write(1, {ONE_PIXEL})",
    "nothing": "",
    "a part of no kind": "os.write(1, b'Z')",
    "a page of no width": "os.write(1, format_page_head(0, 5))",
    "a page too wide": "os.write(1, format_page_head(16_385, 1))",
    "a page of too many pixels": "os.write(1, format_page_head(16_000, 16_000))",
    "a page of four thousand million": "os.write(1, format_page_head(2**32 - 1, 2**32 - 1))",
    "a page that ends early": "os.write(1, format_page_head(2, 2) + b'rgb')",
    "a reason of its own": "os.write(1, FAILURE + format_word('all-is-well'))",
    "a reason in no letters": "os.write(1, FAILURE + bytes([2, 255, 254]))",
}


@pytest.mark.parametrize("body", LIES.values(), ids=LIES.keys())
def test_attacker_when_lying_of_what_it_answers_is_not_believed(tmp_path: Path, body: str) -> None:
    """Whatever has not the agreed shape ends the view, and no half page stays."""
    job = write_hostile(tmp_path, body, locked=True)
    view = view_file(job.path, tmp_path / "out", job=job)
    assert view.failure == Failure.DIED
    assert not view.is_whole
    assert len(view.pages) == (body == LIES["no end"])


@pytest.mark.parametrize("bound", ["MAX_SIDE", "MAX_PAGE_PIXELS"])
def test_attacker_when_its_page_is_larger_than_allowed_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """A page that is delivered in full is refused for its size alone."""
    monkeypatch.setattr(viewing, bound, 3)
    for width, height in ((4, 1), (1, 4)):
        body = f"os.write(1, format_page_head({width}, {height}) + bytes(12) + END + COUNT.pack(1))"
        place = tmp_path / str(width)
        job = write_hostile(place, body, locked=True)
        view = view_file(job.path, place / "out", job=job)
        assert (view.failure, view.pages) == (Failure.DIED, ())


def test_answer_when_the_time_is_over_is_not_read_though_it_is_there() -> None:
    """Whoever answers without a pause wins no time either."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b"abc")
        with pytest.raises(FailedError) as caught:
            Answer(reading, limit_seconds=0).read(1)
    finally:
        os.close(reading)
        os.close(writing)
    assert caught.value.failure == Failure.TOO_SLOW


@pytest.mark.parametrize("part", [ONE_PIXEL, "BROKEN_PAGE"])
def test_attacker_when_writing_ten_thousand_pages_is_cut(tmp_path: Path, part: str) -> None:
    """The number of pages is bounded outside, too."""
    body = f"for _ in range(10_000): os.write(1, {part})"
    job = write_hostile(tmp_path, body, locked=True)
    view = view_file(job.path, tmp_path / "out", job=job)
    assert view.failure == Failure.DIED
    assert len(view.pages) + view.broken_len == MAX_PAGES


def test_attacker_when_its_pages_have_too_many_pixels_together_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is filled no further than the bound says, however large each page is."""
    monkeypatch.setattr(viewing, "MAX_TOTAL_PIXELS", 100_000_000)
    body = """
    piece = bytes(1 << 20)
    for _ in range(200):
        os.write(1, format_page_head(10_000, 4_000))
        left = 120_000_000
        while left:
            left -= os.write(1, piece[:left])
    """
    job = write_hostile(tmp_path, body, locked=True, limit_seconds=100)
    view = view_file(job.path, tmp_path / "out", job=job)
    assert (view.failure, len(view.pages)) == (Failure.DIED, 2)


def test_sandbox_when_the_program_is_missing_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without bubblewrap there is no way around it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError) as caught:
        make_command(Job(name="view", path=tmp_path, limit_seconds=1))
    assert caught.value.code == "sandbox_missing"


@pytest.mark.parametrize(
    "text",
    [
        "exit 1",  # the machine forbids namespaces
        'while [ "$1" != -I ]; do last=$1; shift; done; exec "$last" "$@"',  # it only pretends
        "echo anything else",
    ],
)
def test_sandbox_when_it_was_not_made_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """What runs inside looks for itself, so that no machine passes for a sandbox."""
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o700)
    shown = tmp_path / "shown"
    shown.write_bytes(b"x")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with (
        pytest.raises(SandboxError) as caught,
        open_sandbox(Job(name="view", path=shown, limit_seconds=20)),
    ):
        raise AssertionError
    assert caught.value.code == "sandbox_impossible"


def test_sandbox_when_pillow_is_not_installed_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A desk without its decoders says so, and does not say that the file is at fault."""
    monkeypatch.setattr(sandbox, "find_spec", lambda name: None)
    with pytest.raises(SandboxError) as caught:
        make_command(Job(name="view", path=tmp_path, limit_seconds=1))
    assert caught.value.code == "sandbox_libraries"


def test_answer_when_asked_for_more_than_comes_says_that_it_ended(tmp_path: Path) -> None:
    """A part that is cut is not taken for a shorter one."""
    job = write_hostile(tmp_path, "os.write(1, b'abc')", locked=True)
    with open_sandbox(job) as answer:
        assert answer.read(2) == b"ab"
        with pytest.raises(FailedError) as caught:
            answer.read(2)
    assert caught.value.failure == Failure.DIED


HALF = """
for word in "$@"; do
    shift
    if [ "$word" = {word} ]; then set -- "$@" {instead}; else set -- "$@" "$word"; fi
done
exec {program} "$@"
"""


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("--unshare-all", "--unshare-ipc --unshare-pid --unshare-uts"),
        ("--remount-ro", "--ro-bind / /host --remount-ro"),
    ],
    ids=["network", "disk"],
)
def test_sandbox_when_only_half_of_it_was_made_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, instead: str
) -> None:
    """What runs inside sees a network, or more of the disk than belongs there, and ends."""
    shown = tmp_path / "shown"
    shown.write_bytes(b"x")
    job = Job(name="check", path=shown, limit_seconds=20)
    real = make_command(job)[0]
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh" + HALF.format(word=word, instead=instead, program=real))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxError) as caught, open_sandbox(job):
        raise AssertionError
    assert caught.value.code == "sandbox_impossible"


def test_sandbox_when_the_desk_is_killed_dies_with_it(tmp_path: Path) -> None:
    """No file stays open in a process that nobody waits for."""
    job = write_hostile(tmp_path, "while True: pass", locked=True)
    code = (
        "import sys; from pathlib import Path; from tipline.desk.sandbox import *\n"
        f"job = Job(name='view', path=Path({str(job.path)!r}), limit_seconds=60,"
        f" own=Path({str(job.own)!r}), module={job.module!r})\n"
        "with open_sandbox(job) as answer: print('open', flush=True); answer.read(1)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as desk:
        assert desk.stdout is not None
        assert desk.stdout.readline() == b"open\n"
        assert count_processes(job.module) > 0
        desk.kill()
    wait_until_gone(job.module)
