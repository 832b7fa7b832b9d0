"""What `--check` sends if the caller brings nothing: words and bytes found nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from crypto.randomness import RandomSource, system_random
from tipline.demonstration.photo import label_photo, make_photo

PHOTO_PIXELS: Final = 2400  # about 100 KB
WORDS: Final = (
    *("bridge", "ledger", "contract", "valley", "inspector", "signature", "harbour", "permit"),
    *("concrete", "invoice", "council", "pillar", "tender", "archive", "survey", "warehouse"),
)
WORD_COUNT: Final = 60


def write_text(directory: Path, *, random: RandomSource = system_random) -> Path:
    """
    Write a text that nobody wrote before.

    Args:
        directory: Where.
        random: Chooses the words.

    Returns:
        The file.
    """
    words = [WORDS[drawn % len(WORDS)] for drawn in random(WORD_COUNT)]
    path = directory / "text.txt"
    path.write_text(f"Señal: {' '.join(words)}.\nÉ isso — c'est tout.\n", "utf-8")
    return path


def write_file(directory: Path, *, random: RandomSource = system_random) -> Path:
    """
    Write a photo that nobody took, with what a phone says in it.

    Args:
        directory: Where.
        random: What it shows.

    Returns:
        The file; its name holds random letters too, so that it is found nowhere else.
    """
    path = directory / f"IMG_{random(6).hex()} pillar.jpg"
    path.write_bytes(label_photo(make_photo(width_pixels=PHOTO_PIXELS, random=random)))
    return path
