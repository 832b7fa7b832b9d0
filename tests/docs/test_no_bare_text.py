"""Whatever a person reads is looked up in the catalogue: nothing that talks skips it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "tipline" / "page"
TEMPLATES = sorted((PAGE / "templates").glob("*.html"))
SCRIPTS = sorted((PAGE / "src").glob("*.ts"))
COMMANDS = sorted((ROOT / "tipline").rglob("*.py"))

# Attributes that a browser shows or reads aloud.
SPOKEN = re.compile(
    r'\b(?:alt|title|placeholder|aria-label|aria-description|data-text|value)="([^"]*)"'
)
LETTERS = re.compile(r"[^\W\d_]{2,}")
HELP = {"help", "description", "epilog", "metavar"}
TALK = {"print", "say", "note", "tell"}


def find_bare_html(text: str) -> list[str]:
    """Return the texts of a template that are not looked up."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|<!--.*?-->", "", text, flags=re.DOTALL)
    # What is looked up or filled in: quotes inside it must not end an attribute.
    text = re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL)
    spoken = [value for value in SPOKEN.findall(text) if " " in value.strip()]
    between = re.sub(r"<[^>]*>", "\n", text).splitlines()
    return [piece.strip() for piece in [*spoken, *between] if LETTERS.search(piece)]


def find_bare_script(text: str) -> list[str]:
    """Return the strings of a script that look like sentences."""
    text = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", text, flags=re.DOTALL)
    return re.findall(r'"[A-Z][a-z]+ [a-z][^"]*"|`[A-Z][a-z]+ [a-z][^`]*`', text)


def is_bare(node: ast.expr) -> bool:
    """Tell whether an argument is a text of its own, not a looked-up one."""
    if isinstance(node, ast.Constant):
        # The program's own name needs no translation.
        return isinstance(node.value, str) and bool(
            re.search(r"[a-z]{2,}", node.value.replace("tipline: ", ""))
        )
    if isinstance(node, ast.JoinedStr):
        return any(is_bare(part) for part in node.values if isinstance(part, ast.Constant))
    if isinstance(node, ast.BinOp):
        return is_bare(node.left) or is_bare(node.right)
    return False


def find_bare_python(tree: ast.Module) -> Iterator[int]:
    """Yield the lines where a command says something that is not looked up."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in {"add_parser", "add_argument", "add_subparsers"}:
            spoken = [word.value for word in node.keywords if word.arg in HELP]
        elif node.func.attr in TALK:
            spoken = node.args[:1]
        else:
            continue
        if any(is_bare(value) for value in spoken):
            yield node.lineno


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_when_its_texts_are_read_then_each_is_looked_up(path: Path) -> None:
    """No word of a page stands in a template outside the catalogue."""
    assert find_bare_html(path.read_text()) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_when_its_strings_are_read_then_none_is_a_sentence(path: Path) -> None:
    """The page's program says nothing of its own: its words stand in the templates."""
    assert find_bare_script(path.read_text()) == []


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_command_when_it_talks_then_its_words_are_looked_up(path: Path) -> None:
    """No command prints, and no help shows, a text that is not in the catalogue."""
    assert list(find_bare_python(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "<p>Hello</p>",
        '<p>{{ _("Hello") }} and more</p>',
        '<img alt="A red house">',
        '<p data-text="Sent on {day}"></p>',
    ],
)
def test_html_when_a_word_is_bare_then_it_is_found(text: str) -> None:
    """The search of the templates can fail."""
    assert find_bare_html(text)


def test_html_when_every_word_is_looked_up_then_nothing_is_found() -> None:
    """The search of the templates leaves lookups, comments and codes alone."""
    assert (
        find_bare_html('<p class="a b" data-text="{{ _(\'Sent\') }}">{# x #}{{ _("Hi") }} ·</p>')
        == []
    )


@pytest.mark.parametrize(
    "line",
    [
        'console.say("nothing found")',
        'console.print(f"{count} tips")',
        'console.print("  " + "nothing")',
        'parser.add_argument("--json", help="print JSON as text")',
    ],
)
def test_python_when_a_text_is_bare_then_it_is_found(line: str) -> None:
    """The search of the commands can fail."""
    assert list(find_bare_python(ast.parse(line))) == [1]


def test_python_when_a_text_is_looked_up_then_nothing_is_found() -> None:
    """The search of the commands leaves lookups and values alone."""
    lines = 'console.say(_("nothing"))\nconsole.print(name)\nparser.add_argument("x", metavar="N")'

    assert list(find_bare_python(ast.parse(lines))) == []


def test_script_when_a_sentence_is_bare_then_it_is_found() -> None:
    """The search of the page's program can fail, and leaves comments alone."""
    assert find_bare_script('show("Your tip has arrived"); // A comment in words')
    assert find_bare_script('const NAME = "upload-offset"; // Your tip has arrived') == []
