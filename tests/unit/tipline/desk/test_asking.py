"""What counts as a yes."""

from __future__ import annotations

import io

import pytest

from tipline.console import Console
from tipline.desk.asking import YES, confirm
from tipline.errors import UsageError
from tipline.language import LANGUAGES, make_translations


def ask(language: str, answer: str) -> str:
    """Ask in a language, and return what was shown."""
    err = io.StringIO()
    console = Console(
        translate=make_translations(language).gettext,
        language=language,
        out=io.StringIO(),
        err=err,
        input=io.BytesIO(answer.encode()),
    )
    confirm("?", console=console)
    return err.getvalue()


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "yes\n"),
        ("en", "Y\n"),
        ("es", "sí\n"),
        ("es", "si\n"),
        ("es", "S\n"),
        ("es", "SI\u0301\n"),
        ("pt", "sim\n"),
        ("pt", " s \n"),
    ],
)
def test_confirm_when_it_is_a_yes_of_the_language_then_it_goes_on(
    language: str, answer: str
) -> None:
    """A yes counts in short, in capitals, and with or without its accent."""
    ask(language, answer)


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", ""),
        ("en", "\n"),
        ("en", "sí\n"),
        ("en", "s\n"),
        ("en", "yes no\n"),
        ("es", "n\n"),
        ("es", "y\n"),
        ("es", "sim\n"),
        ("pt", "si\n"),
        ("pt", "não\n"),
        ("pt", "s" * 80 + "\n"),
    ],
)
def test_confirm_when_it_is_anything_else_then_it_is_a_no(language: str, answer: str) -> None:
    """Nothing is done by an answer that is not a yes in the language of the question."""
    with pytest.raises(UsageError) as caught:
        ask(language, answer)
    assert caught.value.code == "not_confirmed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_confirm_when_asked_then_the_word_that_is_asked_for_counts(language: str) -> None:
    """The question names the first word that is accepted, in every language."""
    assert f" {YES[language][0]} " in ask(language, f"{YES[language][0]}\n")
