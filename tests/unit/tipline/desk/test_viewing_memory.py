"""What a bomb of a document takes of memory: all processes of the sandbox together."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import pytest

from tests.unit.tipline.desk.test_viewing import DOCUMENT, DOCX
from tipline.desk.sandbox import PROGRAM, TEMPORARY_BYTES
from tipline.desk.viewing import view_file
from tipline.rendering.lockdown import MEMORY_BYTES

WAITING_BYTES = 128 << 20  # of our own process, which waits for LibreOffice: it has 24 MiB
PARAGRAPHS = 3_000_000
SECONDS = 60


class Watch(threading.Thread):
    """Looks again and again at what a program that this process started has, with all below it."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self.peak_bytes = 0
        self._program = program
        self._is_over = threading.Event()

    def run(self) -> None:
        """Look, until it is over."""
        while not self._is_over.wait(0.05):
            (own,) = Path("/proc/self/task").glob(str(threading.main_thread().native_id))
            found = [
                pid
                for pid in own.joinpath("children").read_text().split()
                if _read(f"/proc/{pid}/comm").strip() == self._program
            ]
            self.peak_bytes = max(self.peak_bytes, sum(map(_measure, found)))

    def end(self) -> int:
        """End it; return the most that there was."""
        self._is_over.set()
        self.join()
        return self.peak_bytes


def _measure(pid: str) -> int:
    """A process's share of memory, and those of all that it started."""
    lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    shares = [line.split()[1] for line in lines if line.startswith("Pss:")]
    below = [
        kid
        for task in Path(f"/proc/{pid}/task").glob("*")
        for kid in _read(str(task / "children")).split()
    ]
    return 1024 * sum(map(int, shares)) + sum(map(_measure, below))


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, ValueError):
        return ""  # it has ended meanwhile


@pytest.mark.long
def test_office_document_when_it_is_a_bomb_then_all_processes_together_stay_within_a_bound(
    tmp_path: Path,
) -> None:
    """LibreOffice has its 2 GiB and a process that waits; what it made is read when it is gone."""
    bomb = tmp_path / "bomb"
    words = "<w:p><w:r><w:t>a b c</w:t></w:r></w:p>" * PARAGRAPHS
    text = DOCUMENT.replace("<w:body>", f"<w:body>{words}")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**DOCX, "word/document.xml": text}.items():
            archive.writestr(name, part)
    watch = Watch(PROGRAM)
    watch.start()

    view = view_file(bomb, tmp_path / "out", limit_seconds=SECONDS)

    peak_bytes = watch.end()
    assert view.pages == ()
    assert peak_bytes > 512 << 20  # it was looked at, and there was something to see
    assert peak_bytes < MEMORY_BYTES + WAITING_BYTES + TEMPORARY_BYTES
