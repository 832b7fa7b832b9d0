"""How far long work has come, for a person who watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tipline.console import Console

STEP_BYTES: Final = 256 * 1024 * 1024  # a line now and then, not one for each piece


def make_progress(console: Console) -> Callable[[int], None]:
    """
    Tell a person who watches how far a long file has come.

    Args:
        console: Where to tell.

    Returns:
        Takes how many bytes more were done.
    """
    _ = console.translate
    done_len = told_len = 0

    def tell(count: int) -> None:
        nonlocal done_len, told_len
        done_len += count
        if done_len - told_len >= STEP_BYTES:
            told_len = done_len
            console.note(_("{count} MiB").format(count=done_len // 1024**2))

    return tell
