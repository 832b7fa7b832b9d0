"""What `--check --keep DIR` leaves: enough to open the tip with tools that are not ours."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from crypto.note import Verifier
from tipline.demonstration.line import ThrowawayLine
from tipline.desk.bundlefile import read_index
from tipline.files import make_private_directory
from tipline.language import Translate
from tipline.messages import N_

# One text: a translator sees all of it.
README: Final = N_(
    """\
What `script/run --check` sent, and what its desk opened.

  sent/       the text and the file, as they were given
  opened/     what the desk opened
  tip.age     the tip as the service kept it: one age file
  key         the identity of one of its readers (age 1.3 or later)
  tips.bundle what the desk pulled

Open the tip with age 1.3 or later and any tar, and compare:

  age -d -i key -o t.tar tip.age
  mkdir t
  tar -x --no-same-owner -C t -f t.tar
  diff -r t opened
  cmp t/text.txt sent/text.txt

Never pipe age into tar: tar stops at its end marker, and the rest would go unverified.
Where age 1.3 is not packaged, `tipline age` takes the same flags.
"""
)


def keep(
    line: ThrowawayLine,
    *,
    sent_text: Path,
    sent_file: Path,
    place: Path,
    into: Path,
    translate: Translate,
) -> None:
    """
    Leave what an independent age tool can open.

    Args:
        line: Its bundle holds one tip.
        sent_text: What was sent.
        sent_file: What was sent.
        place: What the desk opened.
        into: An empty directory.
        translate: Looks a text up in the catalogue.

    Raises:
        OSError: it cannot be written.
    """
    make_private_directory(into / "sent")
    shutil.copyfile(sent_text, into / "sent" / "text.txt")
    shutil.copyfile(sent_file, into / "sent" / sent_file.name)
    shutil.copytree(place, into / "opened")
    shutil.copyfile(line.identity, into / "key")
    (into / "key").chmod(0o600)
    shutil.copyfile(line.bundle, into / "tips.bundle")
    with line.bundle.open("rb") as bundle:
        entry = read_index(bundle, root=Verifier.parse(line.root)).tips[0]
        bundle.seek(entry.offset)
        with (into / "tip.age").open("wb") as envelope:
            left = entry.size_bytes
            while left:
                piece = bundle.read(min(left, 1024 * 1024))
                envelope.write(piece)
                left -= len(piece)
    (into / "README.txt").write_text(translate(README), "utf-8")
