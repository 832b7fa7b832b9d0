"""
Show every file of a folder as pixels, as the desk does: `python -m tests.judges.views DIR`.

DIR holds real files, which are nobody's to publish: they are read where they are, and only counts
and times are printed, by the ending of their names. What is not shown in full is named, with the
reason.
"""

from __future__ import annotations

import collections
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tipline.desk.viewing import View, view_file


def measure(path: Path) -> tuple[View, float]:
    """Show a file, and say how long it took in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        view = view_file(path, Path(folder) / "out")
        return view, time.monotonic() - began


def main() -> int:
    """
    Show all, and print the table.

    Returns:
        0.
    """
    shown: collections.Counter[str] = collections.Counter()
    times: dict[str, list[float]] = collections.defaultdict(list)
    for path in sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file()):
        view, seconds = measure(path)
        times[path.suffix].append(seconds)
        shown[path.suffix] += view.is_whole
        if not view.is_whole:
            print(f"{path.name}: {view.failure or 'broken pages'}", flush=True)
    for suffix, taken in sorted(times.items()):
        print(
            f"{suffix}: {shown[suffix]} of {len(taken)} shown, median"
            f" {statistics.median(taken):.2f} s, longest {max(taken):.2f} s"
        )
    print(f"{sum(shown.values())} of {sum(map(len, times.values()))} shown")
    return 0


if __name__ == "__main__":
    sys.exit(main())
