"""Every text a person reads is in the catalogue, in every language."""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

from tipline.language import LANGUAGES
from tipline.usage import ARGPARSE, ARGPARSE_PLURALS

TRANSLATED = tuple(language for language in LANGUAGES if language != "en")

# argparse's messages to programmers: a person who types a command cannot cause them.
FOR_PROGRAMMERS = {
    "%r is not callable",
    "'required' is an invalid argument for positionals",
    ".__call__() not defined",
    'argument "-" with mode %r',
    "cannot have multiple subparser arguments",
    "cannot merge actions - two groups are named %r",
    "conflicting option string: %s",
    "conflicting option strings: %s",
    "conflicting subparser alias: %s",
    "conflicting subparser: %s",
    "dest= is required for options like %r",
    "invalid conflict_resolution value: %r",
    "invalid option string %(option)r: must start with a character %(prefix_chars)r",
    "mutually exclusive arguments must be optional",
}


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_when_compared_with_the_code_then_it_is_complete(
    catalogue: ModuleType, language: str
) -> None:
    """No text is missing, left over, untranslated, fuzzy or with other placeholders."""
    assert catalogue.find_faults(catalogue.read(language), catalogue.extract()) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_when_written_again_then_the_file_is_the_same(
    catalogue: ModuleType, language: str
) -> None:
    """The committed file is what the tool writes: no dates, no line numbers, one order."""
    catalog = catalogue.read(language)
    catalog.update(catalogue.extract(), no_fuzzy_matching=True)

    committed = catalogue.path_of(language).read_bytes()
    assert catalogue.format_po(catalog, language=language) == committed


def make_catalog(text: str, translation: str, *, flags: tuple[str, ...] = ()) -> Catalog:
    catalog = Catalog(locale="es", charset="utf-8")
    catalog.add(text, translation, flags=flags)
    return catalog


@pytest.mark.parametrize(
    ("translation", "flags", "fault"),
    [
        ("", (), "untranslated"),
        ("el {dia}", (), "other placeholders"),
        ("el día", (), "other placeholders"),
        ("el {day}, {day}", (), "other placeholders"),
        ("el {day", (), "other placeholders"),
        ("el {day}\n", (), "other line breaks at the ends"),
        ("el {day}", ("fuzzy",), "fuzzy"),
    ],
)
def test_faults_when_a_translation_has_one_then_it_is_named(
    catalogue: ModuleType, translation: str, flags: tuple[str, ...], fault: str
) -> None:
    """Each fault that a translation can have is seen."""
    template = make_catalog("on {day}", "")

    faults = catalogue.find_faults(make_catalog("on {day}", translation, flags=flags), template)

    assert faults == [f"{fault}: 'on {{day}}'"]


def test_faults_when_texts_differ_from_the_code_then_both_sides_are_named(
    catalogue: ModuleType,
) -> None:
    """A text that the catalogue lacks and one that the code no longer says are both seen."""
    faults = catalogue.find_faults(make_catalog("old", "viejo"), make_catalog("new", ""))

    assert faults == ["missing: 'new'", "no longer used: 'old'"]


def test_faults_when_a_promise_is_not_on_the_translation_then_it_is_named(
    catalogue: ModuleType,
) -> None:
    """The catalogue carries the ids of the promises that the code's comments name."""
    template = Catalog(charset="utf-8")
    template.add("sealed here", auto_comments=["PROMISE: P-01"])

    faults = catalogue.find_faults(make_catalog("sealed here", "sellado aquí"), template)

    assert faults == ["other promises: 'sealed here'"]


def test_placeholders_when_the_text_has_both_styles_then_each_is_counted(
    catalogue: ModuleType,
) -> None:
    """`{name}`, `%(name)s` and `%s` are placeholders; a bare per cent sign is not."""
    assert catalogue.placeholders("{a} {a} {b}") == {"a": 2, "b": 1}
    assert catalogue.placeholders("%(a)s of %s") == {"%(a)s": 1, "%s": 1}
    assert catalogue.placeholders("100 %") == {}


def argparse_messages() -> set[str]:
    tree = ast.parse(Path(argparse.__file__).read_text())
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_", "ngettext"}
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_argparse_when_its_source_is_read_then_we_know_every_word_it_says() -> None:
    """The argparse that runs says nothing to a person that the catalogue lacks."""
    ours = set(ARGPARSE) | {text for pair in ARGPARSE_PLURALS for text in (pair.one, pair.many)}
    theirs = argparse_messages()

    assert len(theirs) > 30
    assert theirs - ours - FOR_PROGRAMMERS - {"title", "description"} == set()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("usage: tipline", "options:", "show this help message and exit")),
        ("es", ("uso: tipline", "opciones:", "muestra esta ayuda y termina")),
        ("pt", ("uso: tipline", "opções:", "mostra esta ajuda e termina")),
    ],
)
def test_help_when_asked_in_a_language_then_argparse_speaks_it_too(
    language: str, words: tuple[str, ...]
) -> None:
    """A command's help is wholly in the language of the environment."""
    result = subprocess.run(
        [sys.executable, "-m", "tipline", "--help"],
        env={**os.environ, "LANGUAGE": language, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
    )

    for word in words:
        assert word in result.stdout
    assert ("show this" in result.stdout) == (language == "en")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "tipline: error: argument"),
        ("es", "tipline: error: argumento"),
        ("pt", "tipline: erro: argumento"),
    ],
)
def test_usage_error_when_told_then_it_is_in_the_language(language: str, words: str) -> None:
    """A wrongly typed command is answered in the language of the environment, with exit code 2."""
    result = subprocess.run(
        [sys.executable, "-m", "tipline", "no-such-command"],
        env={**os.environ, "LANGUAGE": language},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert words in result.stderr
