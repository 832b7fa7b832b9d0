"""The language of a command."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from tipline.language import LANGUAGES, LOCALE_DIRECTORY, choose_language, make_translations


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "es_MX.UTF-8"}, "es"),
        ({"LANG": "pt_BR.UTF-8"}, "pt"),
        ({"LANG": "pt"}, "pt"),
        ({"LANG": "es@euro"}, "es"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "es_ES", "LANG": "pt_BR"}, "es"),
        ({"LC_ALL": "pt_PT", "LC_MESSAGES": "es_ES"}, "pt"),
        ({"LANGUAGE": "pt:es", "LC_ALL": "es_ES"}, "pt"),
        ({"LANGUAGE": "de:es"}, "es"),
        ({"LANGUAGE": "en:es"}, "en"),
        ({"LANGUAGE": "", "LANG": "es_ES"}, "es"),
        ({"LANGUAGE": "de", "LANG": "es_ES"}, "en"),
        ({"LANG": "estonian"}, "en"),
    ],
)
def test_language_when_the_environment_wishes_then_the_first_that_is_set_decides(
    environment: dict[str, str], language: str
) -> None:
    """The wish that gettext would follow is followed; what cannot be met is English."""
    assert choose_language(environment) == language


@pytest.mark.parametrize(
    "environment",
    [
        {"LANGUAGE": "de:es", "LANG": "pt_BR"},
        {"LANGUAGE": "pt"},
        {"LC_ALL": "es_MX.UTF-8", "LANG": "pt_BR"},
        {"LANG": "pt_BR.UTF-8"},
        {"LANGUAGE": "de", "LANG": "es_ES"},
    ],
)
def test_language_when_compared_with_gettext_then_both_choose_the_same(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """argparse's words, which gettext itself looks up, come in the same language as ours."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = gettext.find("tipline", LOCALE_DIRECTORY)
    theirs = "en" if found is None else Path(found).parent.parent.name

    assert choose_language(environment) == theirs


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_when_made_then_a_text_comes_in_the_language(language: str) -> None:
    """Each language has its compiled catalogue; English is the text itself."""
    wanted = {"en": "Leave now", "es": "Salir ya", "pt": "Sair já"}

    assert make_translations(language).gettext("Leave now") == wanted[language]


def test_translations_when_a_text_is_unknown_then_it_stays_as_it_is() -> None:
    """A text that the catalogue lacks is shown in English, never lost."""
    assert make_translations("es").gettext("no such text") == "no such text"
