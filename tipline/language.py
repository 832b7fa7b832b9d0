"""
The languages a person can read us in, and where their words come from.

Every text is written in English in the code and in the templates, marked `_("...")`, and translated
in `locale/LANGUAGE/LC_MESSAGES/tipline.po`. English needs no catalogue: it is the text itself.
"""

from __future__ import annotations

import dataclasses
import gettext
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

Translate = Callable[[str], str]
TranslateCounted = Callable[[str, str, int], str]  # as ngettext: for one, for others, how many

LANGUAGES: Final = ("en", "es", "pt")
LOCALE_DIRECTORY: Final = Path(__file__).parent / "locale"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """
    A text that is another one where a number is 1.

    Args:
        one: In English, for one.
        many: In English, for any other number.
        by: The placeholder that is the number.
    """

    one: str
    many: str
    by: str


Text = str | Counted


def make_translations(language: str) -> gettext.NullTranslations:
    """
    Load one language's catalogue.

    Args:
        language: One of `LANGUAGES`.

    Returns:
        The catalogue; for English, one that returns each text unchanged.

    Raises:
        OSError: the catalogue was not compiled (`script/run` and `script/test` do it).
    """
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("tipline", LOCALE_DIRECTORY, [language])


def choose_language(environment: Mapping[str, str] = os.environ) -> str:
    """
    Choose the language of a command from the environment, as gettext does.

    The first variable that is set decides, also when none of its wishes can be met: argparse's own
    words are looked up by gettext itself, and a help must not be half in one language.

    Args:
        environment: `LANGUAGE` (wishes, with colons between), `LC_ALL`, `LC_MESSAGES`, `LANG`.

    Returns:
        One of `LANGUAGES`; English if no wish can be met.
    """
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        wishes = environment.get(name)
        if wishes:
            languages = (re.split(r"[_.@]", wish)[0] for wish in wishes.split(":"))
            return next((language for language in languages if language in LANGUAGES), "en")
    return "en"
