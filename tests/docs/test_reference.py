"""Every command, option, configuration key, error and format is documented."""

from __future__ import annotations

import argparse
import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from retention.policy import RecordClass
from tipline.__main__ import make_parser
from tipline.configuration import KEYS
from tipline.hints import HINTS
from tipline.messages import ERRORS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PACKAGES = ("crypto", "retention", "tipline")


def read(name: str) -> str:
    return (REFERENCE / name).read_text()


def make_english_parser() -> argparse.ArgumentParser:
    return make_parser(lambda text: text)


def test_blocks_when_generated_anew_then_the_pages_are_the_same(reference: ModuleType) -> None:
    """No generated table says what the code no longer does: run script/reference update."""
    stale = [
        path.name
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if reference.fill(path.read_text()) != path.read_text()
    ]

    assert stale == []


def test_blocks_when_the_pages_are_read_then_each_stands_somewhere(reference: ModuleType) -> None:
    """No generated table is lost when a page is edited."""
    names = {
        match["name"]
        for path in (ROOT / "docs").rglob("*.md")
        for match in reference.BLOCK.finditer(path.read_text())
    }

    assert names == reference.BLOCKS.keys()


def test_commands_when_the_tree_is_walked_then_each_is_described(reference: ModuleType) -> None:
    """Every command has a heading in commands.md and says what it is for."""
    page = read("commands.md")
    for parser, _ in reference.list_commands(make_english_parser()):
        assert f"## `{parser.prog}`" in page
        assert parser.description, parser.prog


def test_options_when_the_tree_is_walked_then_each_has_help(reference: ModuleType) -> None:
    """Every option and argument of every command says what it does."""
    page = read("commands.md")
    for parser, actions in reference.list_commands(make_english_parser()):
        section = page.split(f"## `{parser.prog}`\n")[1].split("\n## ")[0]
        for action in actions:
            assert action.help, f"{parser.prog} {action.dest}"
            if not isinstance(action, argparse._HelpAction):
                for name in action.option_strings:
                    assert f"`{name}" in section


def test_walk_when_commands_are_nested_then_each_is_reached(reference: ModuleType) -> None:
    """The walk reaches commands below commands, and lists an alias once."""
    parser = argparse.ArgumentParser(prog="a")
    below = parser.add_subparsers().add_parser("b").add_subparsers()
    below.add_parser("c", aliases=["d"]).add_argument("--e")

    found = {
        parser.prog: [action.dest for action in actions]
        for parser, actions in reference.list_commands(parser)
    }

    assert found == {"a": ["help"], "a b": ["help"], "a b c": ["help", "e"]}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_configuration_key_when_it_exists_then_the_page_documents_it(key: str) -> None:
    """Every key of tipline.toml stands in configuration.md."""
    page = read("configuration.md")

    assert f"`{key}`" in page


@pytest.mark.parametrize("record_class", sorted(RecordClass))
def test_policy_class_when_it_exists_then_the_page_documents_it(record_class: str) -> None:
    """Every class of policy.toml stands in configuration.md."""
    assert f"`{record_class}`" in read("configuration.md")


# --- errors -----------------------------------------------------------------------------------


def error_calls(reference: ModuleType) -> Iterator[tuple[str, str | None, set[str], str]]:
    """Yield the class, the code if written out, the facts and the place of each error made."""
    names = {value.__name__ for value in reference.list_error_classes()}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                    continue
                if node.func.id not in names:
                    continue
                first = node.args[0] if node.args else None
                code = first.value if isinstance(first, ast.Constant) else None
                facts = {keyword.arg or "**" for keyword in node.keywords}
                yield node.func.id, code, facts, f"{path.relative_to(ROOT)}:{node.lineno}"


def says_its_code(value: type[Exception]) -> bool:
    """Tell whether the first argument is a code; else it is a detail and the code is fixed."""
    return value.__name__ == "KeysetError" or not value.__module__.startswith("crypto")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_error_codes_when_the_code_raises_them_then_each_has_its_text(
    reference: ModuleType,
) -> None:
    """Every class's code, and every code given where an error is made, has words."""
    classes = {value.__name__: value for value in reference.list_error_classes()}
    raised = {value.code for value in classes.values() if hasattr(value, "code")}
    for name, code, _, _ in error_calls(reference):
        if code is not None and says_its_code(classes[name]):
            raised.add(code)

    assert raised - ERRORS.keys() == set()


def test_error_texts_when_listed_then_the_code_still_raises_each(reference: ModuleType) -> None:
    """No words are kept for an error that nobody makes."""
    sources = "\n".join(
        path.read_text()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name not in ("messages.py", "hints.py")
    )

    assert [code for code in ERRORS if f'"{code}"' not in sources] == []
    assert HINTS.keys() - ERRORS.keys() == set()


def test_error_texts_when_filled_in_then_every_placeholder_has_its_fact(
    reference: ModuleType,
) -> None:
    """Wherever an error is made, it brings the facts that its text and its hint name."""
    classes = {value.__name__: value for value in reference.list_error_classes()}
    missing = []
    for name, written, given, place in error_calls(reference):
        value = classes[name]
        code = written if says_its_code(value) else value.code  # type: ignore[attr-defined]
        if code is None:
            continue  # the code is computed; the code's own tests reach it
        if code not in ERRORS:
            missing.append(f"{place}: {code} has no text")
            continue
        # The first argument of an error of `crypto` is its detail, and is empty if not given.
        facts = given | {"detail"} if value.__module__.startswith("crypto") else given
        texts = reference.list_forms(ERRORS[code]) + reference.list_forms(HINTS.get(code, ""))
        wanted = set().union(*map(placeholders, texts))
        if "**" not in facts and wanted - facts:
            missing.append(f"{place}: {code} lacks {sorted(wanted - facts)}")

    assert missing == []


def test_error_pages_when_read_then_each_code_stands_there() -> None:
    """Every code and its text stand in errors.md."""
    page = read("errors.md")
    for code in ERRORS:
        assert f"| `{code}` |" in page


def test_exit_codes_when_compared_then_no_two_classes_share_one(reference: ModuleType) -> None:
    """A script can tell the classes of errors apart, each within the band of its package."""
    classes = reference.list_error_classes()
    codes = [value.exit_code for value in classes]

    assert len(codes) == len(set(codes))
    bands = {"crypto": range(10, 30), "retention": range(30, 40), "tipline": range(40, 60)}
    for value in classes:
        if value.exit_code > 2:
            assert value.exit_code in bands[value.__module__.split(".")[0]]


# --- formats ----------------------------------------------------------------------------------


def test_formats_when_the_code_names_a_version_then_formats_md_describes_it() -> None:
    """Every versioned first line that a program writes or reads stands in formats.md."""
    mark = re.compile(r"\b(?:tipline-[a-z-]+|age-encryption\.org)/v[0-9]+\b")
    found = {
        match
        for package in PACKAGES
        for suffix in ("*.py", "*.ts")
        for path in (ROOT / package).rglob(suffix)
        for match in mark.findall(path.read_text())
    }
    page = read("formats.md")

    assert {"tipline-keyset/v1", "age-encryption.org/v1"} <= found
    assert [name for name in sorted(found) if name not in page] == []
