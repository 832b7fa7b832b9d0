"""
Write the tables of docs/ that follow from the code: commands, errors, exit codes, modules.

A generated block stands between `<!-- generated: NAME -->` and `<!-- end -->`; the rest of a page
is written by hand. `update` writes the blocks anew, `check` says which do not fit the code.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from crypto import errors as crypto_errors
from retention import errors as retention_errors
from tipline import errors as tipline_errors
from tipline.__main__ import make_parser
from tipline.gateway.companies import KNOWN_COMPANIES
from tipline.gateway.notices import NOTICES, make_notice
from tipline.hints import HINTS
from tipline.language import Text
from tipline.messages import ERRORS

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
BLOCK: Final = re.compile(
    r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL
)


def list_commands(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[argparse.ArgumentParser, list[argparse.Action]]]:
    """
    Walk the tree of commands.

    Args:
        parser: The root, or any command.

    Returns:
        Each parser with its own arguments, the commands below it left out.
    """
    branches = [
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    ]
    yield parser, [action for action in parser._actions if action not in branches]
    for branch in branches:
        seen = set()
        for child in branch.choices.values():
            if id(child) not in seen:
                seen.add(id(child))
                yield from list_commands(child)


def format_commands() -> str:
    """
    Describe every command and option as its help does.

    Returns:
        Markdown.
    """
    parts = []
    for parser, actions in list_commands(make_parser(lambda text: text)):
        usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
        lines = [f"## `{parser.prog}`", "", parser.description or "", "", f"`{usage}`", ""]
        rows = [
            f"| {_format_names(action)} | {_format_help(parser, action)} |"
            for action in actions
            if not isinstance(action, argparse._HelpAction)
        ]
        if rows:
            lines += ["| argument | what it does |", "| --- | --- |", *rows, ""]
        if parser.epilog:
            lines += [parser.epilog, ""]
        parts.append("\n".join(lines))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts))


def _format_names(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    value = value if isinstance(value, str) else " ".join(value)
    if not action.option_strings:
        return f"`{value}`"
    takes_value = action.nargs != 0
    return ", ".join(
        f"`{name} {value}`" if takes_value else f"`{name}`" for name in action.option_strings
    )


def _format_help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return " ".join(parser._get_formatter()._expand_help(action).split()) if action.help else ""


def list_error_classes() -> list[type[Exception]]:
    """
    List the error classes of the three packages.

    Returns:
        In the order of their exit codes.
    """
    classes = {
        value
        for module in (crypto_errors, retention_errors, tipline_errors)
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and value.__module__ == module.__name__
    }
    return sorted(classes, key=lambda value: (value.exit_code, value.__name__))


def list_forms(text: Text) -> tuple[str, ...]:
    """
    List the forms that a text has in English.

    Args:
        text: Of an error.

    Returns:
        One form; two if a number stands in it, the plural last.
    """
    return (text,) if isinstance(text, str) else (text.one, text.many)


def format_errors() -> str:
    """
    List what each error says and what its hint is.

    Returns:
        A Markdown table.
    """
    rows = [
        f"| `{code}` | {_cell(list_forms(text)[-1])} | {_cell(list_forms(hint)[-1])} |"
        for code, text, hint in sorted(
            ((code, text, HINTS.get(code, "")) for code, text in ERRORS.items()),
            key=lambda row: row[0],
        )
    ]
    return "\n".join(["| code | what it says | hint |", "| --- | --- | --- |", *rows, ""])


def format_exit_codes() -> str:
    """
    List the exit codes.

    Returns:
        A Markdown table.
    """
    rows = [
        f"| {value.exit_code} | `{value.__name__}` | {_cell(_first_line(value))} |"
        for value in list_error_classes()
    ]
    return "\n".join(["| exit code | class | when |", "| --- | --- | --- |", *rows, ""])


def _first_line(value: type[Exception]) -> str:
    return (inspect.getdoc(value) or "").split("\n")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def format_modules() -> str:
    """
    List every module with what it says of itself.

    Returns:
        A Markdown table for each folder.
    """
    folders: dict[Path, list[str]] = {}
    for package in ("crypto", "retention", "tipline"):
        for path in sorted((ROOT / package).rglob("*.py")):
            said = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
            name = "the folder" if path.name == "__init__.py" else f"`{path.name}`"
            rows = folders.setdefault(path.parent.relative_to(ROOT), [])
            rows.append(f"| {name} | {_cell(' '.join(said.split()))} |")
    return "\n".join(
        "\n".join([f"### `{folder}/`", "", "| module | what |", "| --- | --- |", *rows, ""])
        for folder, rows in folders.items()
    )


def format_notices() -> str:
    """
    List the notice of each way by phone, with room for the address where it stands.

    Returns:
        A Markdown table.
    """
    rows = [
        f"| `{medium}` | {language} | {_cell(make_notice(medium, language=language, onion='…'))} |"
        for medium, language in NOTICES
    ]
    return "\n".join(["| way | language | notice |", "| --- | --- | --- |", *rows]) + "\n"


def format_companies() -> str:
    """
    List the companies that are known on the way of each kind of gateway.

    Returns:
        A Markdown table.
    """
    rows = [
        f"| `{kind}` | {company.name['en']} | {company.country['en']} |"
        f" {', '.join(seen.value for seen in company.sees)} | {_cell(company.keeps['en'])} |"
        for kind, companies in KNOWN_COMPANIES.items()
        for company in companies
    ]
    head = ["| kind | company | country | sees | keeps it |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "commands": format_commands,
    "companies": format_companies,
    "errors": format_errors,
    "exit-codes": format_exit_codes,
    "modules": format_modules,
    "notices": format_notices,
}


def fill(text: str) -> str:
    """
    Write every generated block of a page anew.

    Args:
        text: The page.

    Returns:
        The page with the blocks of today's code.
    """
    return BLOCK.sub(
        lambda match: match[1] + "\n" + BLOCKS[match["name"]]() + "\n" + match[3], text
    )


def main() -> int:
    """
    Run one of the two.

    Returns:
        0, or 1 when `check` found a page that does not fit.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("step", choices=("update", "check"))
    step = parser.parse_args().step
    stale = []
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text()
        if fill(text) != text:
            stale.append(path)
            if step == "update":
                path.write_text(fill(text))
    for path in stale:
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 1 if stale and step == "check" else 0


if __name__ == "__main__":
    sys.exit(main())
