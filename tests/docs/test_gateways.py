"""The page on gateways names every key, every kind and every secret."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tipline.gateway.settings import COMMON, COMPANIES, OPTIONS, SECRETS, Kind, parse_gateways

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/reference/gateways.md").read_text()


def test_page_when_read_then_names_every_key() -> None:
    """No key of `gateways.toml` is without its words."""
    keys = set(re.findall(r"^\| `gateway\.NAME\.(\w+)`", PAGE, re.MULTILINE))
    assert keys == {*COMMON, "companies", "numbers", "accept_company"}
    assert all(f"`{kind}`" in PAGE for kind in COMPANIES)


def test_page_when_read_then_names_the_keys_and_secrets_of_every_kind() -> None:
    """The table of kinds is that of the program."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*\|.*) \|$", PAGE.split("## How")[0], re.MULTILINE))
    for kind in Kind:
        keys, _, secrets = rows[kind.value].rpartition("|")
        assert all(f"`{key}`" in keys for key in OPTIONS[kind])
        assert re.findall(r"`(\w+)`", secrets) == list(SECRETS[kind])


def test_example_when_read_by_the_program_then_holds() -> None:
    """What can be copied from the page is accepted."""
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    gateways = parse_gateways(example.encode()).gateways
    assert {one.kind for one in gateways.values()} == {Kind.TWILIO, Kind.OPERATOR}


def test_page_when_read_then_says_who_plays_the_other_side_of_every_kind() -> None:
    """No adapter is without a test that its page names, and each named test is there."""
    _, _, section = PAGE.partition("## The other side in the tests")
    section, _, _ = section.partition("\n## ")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert [kind for kind, _, _ in rows] == [kind.value for kind in Kind]
    modules = [path.stem for path in (ROOT / "tipline/gateway/kinds").glob("[!_]*.py")]
    assert {module.partition("_")[0] for module in modules} == {kind for kind, _, _ in rows}
    for kind, _, tests in rows:
        named = re.findall(r"\]\(\.\./\.\./(tests/[\w/]+\.py)\)", tests)
        assert named, kind
        # A file that tests another kind says nothing of this one.
        assert all(kind in " ".join(list_used(ROOT / path)) for path in named), kind


def list_used(path: Path) -> list[str]:
    """List what a test imports, calls and says as a text, but not what it explains."""
    used = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            used += [str(node.module), *(one.name for one in node.names)]
        elif isinstance(node, ast.Call):
            used += [one.value for one in node.args if isinstance(one, ast.Constant)]
    return [one.lower() for one in used if isinstance(one, str)]
