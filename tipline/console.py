"""
Where a command reads and writes.

stdout is data (`--json` where a machine may read it); stderr is talk:
`tipline: error: ...`, `tipline: hint: ...`, lower case, no full stop.
"""

from __future__ import annotations

import dataclasses
import gettext
import json
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO, TextIO

from tipline.language import Counted, Text, Translate, TranslateCounted
from tipline.plain import make_printable_line


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """
    The streams of one run of a command, and its language.

    Args:
        translate: Looks a text up in the catalogue.
        translate_counted: The same, for a text in which a number stands.
        language: One of `LANGUAGES`, for words that no catalogue has: those of a keyset.
        out: Data.
        err: Talk.
        input: What is piped in.
    """

    translate: Translate
    translate_counted: TranslateCounted = gettext.NullTranslations().ngettext
    language: str = "en"
    out: TextIO = dataclasses.field(default_factory=lambda: sys.stdout)
    err: TextIO = dataclasses.field(default_factory=lambda: sys.stderr)
    input: BinaryIO = dataclasses.field(default_factory=lambda: sys.stdin.buffer)

    def fill(self, text: Text, facts: Mapping[str, Any]) -> str:
        """
        Translate a text and put its facts into it.

        Args:
            text: In English, as it was marked for the catalogue.
            facts: For its placeholders. A `path` may be named by a stranger, and is made safe to
                print.

        Returns:
            The text, in this console's language.
        """
        if isinstance(text, Counted):
            said = self.translate_counted(text.one, text.many, facts[text.by])
        else:
            said = self.translate(text)
        if "path" in facts:
            facts = {**facts, "path": make_printable_line(str(facts["path"]))}
        return said.format(**facts)

    def print(self, text: str = "") -> None:
        """
        Write a line of data.

        Args:
            text: Already translated.
        """
        self.out.write(text + "\n")
        self.out.flush()

    def print_json(self, value: Mapping[str, Any]) -> None:
        """
        Write a line of data for a machine.

        Args:
            value: Whatever JSON holds.
        """
        # ASCII only: JSON leaves C1 controls and direction marks as they are; terminals obey them.
        self.print(json.dumps(value, ensure_ascii=True, sort_keys=True))

    def say(self, text: str) -> None:
        """
        Tell a person something, on stderr.

        Args:
            text: Already translated.
        """
        self.err.write(text + "\n")
        self.err.flush()

    def note(self, text: str) -> None:
        """
        Tell progress to a person who watches; quiet when nobody does.

        Args:
            text: Already translated.
        """
        if self.err.isatty():
            self.say(text)
