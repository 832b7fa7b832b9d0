"""
The pinned desk root and the newest keyset seen: what a machine of the desk judges bundles by.

    DIR/
      root          the pinned desk root's verifier key
      seen          the highest keyset number seen, and that keyset's hash
      keyset        that keyset

These files lie in the workstation's vault and in the networked machine's memory.

Rules:
    1. The root is pinned once.
    2. A keyset older than the newest seen is refused, and so is another keyset of the same number:
       two of one number mean that the root signed behind the desk's back.
"""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Final, Self

from crypto.errors import KeysetError, MalformedError
from crypto.keyset import MAX_KEYSET_BYTES, verify_past_keyset
from crypto.keyset_fields import Keyset
from crypto.note import Verifier
from crypto.strict import format_json, parse_json_object
from tipline.desk.keyfiles import read_limited, write_new
from tipline.files import save_file

MAX_SMALL_BYTES: Final = 4096
_ROOT_NAME: Final = "root"
_SEEN_NAME: Final = "seen"
_KEYSET_NAME: Final = "keyset"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """
    What is pinned in a directory. Made by `Pinned.init` or `Pinned.open`.

    Args:
        directory: Where it lies; private to its owner.
        root: The pinned desk root.
        seen: The highest keyset number seen, 0 if none.
        seen_sha256: Of that keyset's note, empty if none.
    """

    directory: Path
    root: Verifier
    seen: int
    seen_sha256: str

    @staticmethod
    def is_in(directory: Path) -> bool:
        """
        Tell whether a root is pinned in a directory.

        Args:
            directory: It may be missing.

        Returns:
            Whether there is something to open.
        """
        return (directory / _ROOT_NAME).is_file()

    @classmethod
    def init(cls, directory: Path, *, root: Verifier) -> Self:
        """
        Pin a desk root.

        Args:
            directory: Where no root is pinned yet.
            root: The desk root.

        Returns:
            It, with no keyset seen.

        Raises:
            FileExistsError: a root is pinned there.
            OSError: it cannot be written.
        """
        write_new(directory / _ROOT_NAME, f"{root.format()}\n".encode())
        return cls(directory=directory, root=root, seen=0, seen_sha256="")

    @classmethod
    def open(cls, directory: Path) -> Self:
        """
        Read what is pinned.

        Args:
            directory: Where a root is pinned.

        Returns:
            It.

        Raises:
            MalformedError: a file of it was changed.
            TooLargeError: the same.
            OSError: it cannot be read.
        """
        try:
            line = read_limited(directory / _ROOT_NAME, max_bytes=MAX_SMALL_BYTES).decode("utf-8")
        except UnicodeDecodeError as exc:
            raise MalformedError("root") from exc
        root = Verifier.parse(line.removesuffix("\n"))
        seen, seen_sha256 = _read_seen(directory / _SEEN_NAME)
        return cls(directory=directory, root=root, seen=seen, seen_sha256=seen_sha256)

    def check_keyset(self, keyset: Keyset) -> None:
        """
        Refuse a keyset that contradicts what was seen.

        Args:
            keyset: Verified.

        Raises:
            KeysetError: `keyset_old`, or `keyset_forked`: another one of the same number was seen.
        """
        if keyset.number < self.seen:
            raise KeysetError("keyset_old", number=keyset.number, seen=self.seen)
        if keyset.number == self.seen and keyset.sha256 != self.seen_sha256:
            raise KeysetError("keyset_forked", number=keyset.number)

    def remember_keyset(self, keyset: Keyset, note: bytes, *, today: datetime.date) -> None:
        """
        Remember the newest keyset seen.

        Args:
            keyset: Verified and checked.
            note: Its whole note.
            today: In UTC.
        """
        fields = {"number": keyset.number, "sha256": keyset.sha256}
        save_file(self.directory / _KEYSET_NAME, note, day=today)
        save_file(self.directory / _SEEN_NAME, format_json(fields) + b"\n", day=today)

    def read_keyset(self) -> Keyset | None:
        """
        Read the newest keyset seen, for the names of its channels.

        Returns:
            The keyset, which may have expired; None if none was seen yet.

        Raises:
            KeysetError: the file was changed.
            OSError: it cannot be read.
        """
        if self.seen == 0:
            return None
        note = read_limited(self.directory / _KEYSET_NAME, max_bytes=MAX_KEYSET_BYTES)
        return verify_past_keyset(note, root=self.root)


def _read_seen(path: Path) -> tuple[int, str]:
    if not path.exists():
        return 0, ""
    fields = parse_json_object(
        read_limited(path, max_bytes=MAX_SMALL_BYTES), max_bytes=MAX_SMALL_BYTES
    )
    number, sha256 = fields.get("number"), fields.get("sha256")
    if not isinstance(number, int) or not isinstance(sha256, str):
        raise MalformedError("seen")
    return number, sha256
