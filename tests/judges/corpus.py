"""
Clean every file of a folder and let the judges look: `python -m tests.judges.corpus DIR [--json]`.

DIR holds real files, which are nobody's to publish: they are read where they are, and only counts
are printed, by format. With `--json` also what was found where. The exit code is 1 if anything was.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import io
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.judges import documents, sounds
from tests.judges.judge import find_residues, find_survivors, read_pixels, read_tags
from tests.judges.pages import is_only_paler
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Kind, write_cleaned


@dataclasses.dataclass(slots=True, kw_only=True)
class Verdict:
    """
    What the judges say of one file.

    Args:
        path: Of the original.
        name: Its format, or the ending of its name if it is refused.
        reason: Why it is refused.
        kinds: What the cleaning found.
        had: How many tags the original had that are not structural.
        residues: The tags that are left.
        survivors: The values that are left.
        pixels: Whether they are the same, or `paler` for want of a profile in a PDF, or
            `unreadable` where the original does not open either.
    """

    path: str
    name: str
    reason: Reason | None = None
    kinds: tuple[str, ...] = ()
    had: int = 0
    residues: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()
    pixels: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether a judge found anything."""
        return bool(self.residues or self.survivors or self.pixels == "different")


def judge(paths: Iterable[Path], folder: Path) -> list[Verdict]:
    """
    Clean files, and judge what comes out.

    Args:
        paths: The originals.
        folder: Where the cleaned files go.

    Returns:
        One verdict for each.
    """
    verdicts, cleaned = [], {}
    for number, path in enumerate(paths):
        data = path.read_bytes()
        out = io.BytesIO()
        try:
            plan = plan_cleaning(io.BytesIO(data))
            write_cleaned(plan, io.BytesIO(data), out)
        except RefusedError as exc:
            name = path.suffix.removeprefix(".").lower()
            verdicts.append(Verdict(path=str(path), name=name, reason=exc.reason))
            continue
        verdict = Verdict(path=str(path), name=plan.format, kinds=plan.kinds)
        verdict.pixels = compare(data, out.getvalue())
        if (
            plan.format is Format.PDF
            and verdict.pixels == "different"
            and Kind.PROFILE in plan.kinds
        ):
            verdict.pixels = "paler" if is_only_paler(data, out.getvalue()) else "different"
        verdicts.append(verdict)
        cleaned[str(path)] = folder / f"{number:04}"
        cleaned[str(path)].write_bytes(out.getvalue())
    look_at_tags([verdict for verdict in verdicts if verdict.reason is None], cleaned)
    return verdicts


def look_at_tags(verdicts: list[Verdict], cleaned: dict[str, Path]) -> None:
    """
    Let the two judges look at cleaned files.

    Args:
        verdicts: Are filled in.
        cleaned: By the path of the original.
    """
    if not verdicts:
        return
    before = read_tags([Path(verdict.path) for verdict in verdicts])
    after = read_tags([cleaned[verdict.path] for verdict in verdicts])
    for verdict, old, new in zip(verdicts, before, after, strict=True):
        verdict.had = len(find_residues(old))
        verdict.residues = tuple(find_residues(new))
        data = cleaned[verdict.path].read_bytes()
        survivors = find_survivors(old, data)
        if data.startswith(documents.ARCHIVE):
            survivors |= documents.find_told(Path(verdict.path).read_bytes(), data)
        verdict.survivors = tuple(survivors)


def compare(original: bytes, cleaned: bytes) -> str:
    """
    Compare pixels; of a document its text, by part; of a sound its samples.

    Args:
        original: A file.
        cleaned: What became of it.

    Returns:
        `same`, `different`, `unreadable` if the original does not open, or `cut` for a sound of
        which only the end of a frame that is cut off is missing.
    """
    if original.startswith(documents.ARCHIVE):
        is_same = documents.read_shown(original) == documents.read_shown(cleaned)
        return "same" if is_same else "different"
    if sounds.is_sound(original):
        return sounds.compare_sounds(original, cleaned)
    try:
        expected = read_pixels(original)
    except (OSError, SyntaxError, ValueError):
        return "unreadable"
    return "same" if read_pixels(cleaned) == expected else "different"


def main() -> int:
    """
    Judge a folder.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.judges.corpus", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="what was found where, too")
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as folder:
        verdicts = judge(paths, Path(folder))
    groups = collections.defaultdict(list)
    for verdict in verdicts:
        groups[verdict.name].append(verdict)
    print("| format | files | cleaned | refused | had tags | tags left | values left | pixels |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, group in sorted(groups.items()):
        refused = collections.Counter(str(v.reason) for v in group if v.reason)
        pixels = collections.Counter(v.pixels for v in group if v.pixels)
        cells = (
            name,
            len(group),
            sum(v.reason is None for v in group),
            ", ".join(f"{count} {reason}" for reason, count in refused.items()) or 0,
            sum(v.had > 0 for v in group),
            sum(bool(v.residues) for v in group),
            sum(bool(v.survivors) for v in group),
            ", ".join(f"{count} {word}" for word, count in pixels.items()),
        )
        print("| " + " | ".join(map(str, cells)) + " |")
    bad = [verdict for verdict in verdicts if verdict.is_bad]
    if options.json:
        for verdict in bad:
            print(json.dumps(dataclasses.asdict(verdict), ensure_ascii=False))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
