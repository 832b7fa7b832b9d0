"""The examples in the pages hold: a file that is shown is read, a command that is shown parses."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.secret import Secret
from retention.policy import parse_policy
from retention.policy_warnings import find_warnings
from tipline.__main__ import make_parser
from tipline.desk.readers import parse_readers
from tipline.gateway.kinds.webhook import INCOMING_LINE, make_signed
from tipline.gateway.settings import MIN_SECRET_CHARACTERS, parse_gateways
from tipline.gateway.signatures import sign_sha256

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path, language: str) -> list[str]:
    """Return a page's code blocks of one language; "" for those that name none."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [block for name, block in fences if name == language]


def shown_commands() -> list[tuple[str, str]]:
    """Return each line of a code block that calls our program, with its page."""
    return [
        (str(page.relative_to(ROOT)), line)
        for page in PAGES
        for block in blocks_of(page, "")
        for line in block.splitlines()
        if line.startswith("tipline ")
    ]


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_command_when_a_page_shows_it_then_it_parses(page: str, line: str) -> None:
    """Each command line of the pages is one that the program takes."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            # What a shell would do with the output is not the command's.
            words = shlex.split(line.partition(" > ")[0])
            options = make_parser(lambda text: text).parse_args(words[1:])
        except SystemExit:
            pytest.fail(f"{page}: {line}\n{said.getvalue()}")

    assert isinstance(options, argparse.Namespace)


def test_commands_when_the_pages_are_read_then_there_are_some() -> None:
    """The search for command lines finds them."""
    assert len(shown_commands()) >= 8


def test_readers_when_the_page_shows_a_file_then_it_is_read() -> None:
    """The example of readers.toml is a whole and valid one, but for its key."""
    (block,) = blocks_of(ROOT / "docs" / "how-to" / "run-a-desk.md", "toml")
    recipient = HybridIdentity.generate().recipient().format()

    written = parse_readers(block.replace("age1pq1…", recipient).encode())

    assert [reader.id for reader in written.readers] == ["ana"]
    assert [channel.readers[0].reader for channel in written.channels] == ["ana"]


def test_policy_when_the_page_shows_one_then_it_holds_and_nothing_is_warned_of() -> None:
    """The example of policy.toml is whole, without contradiction, and within every bound."""
    (block,) = blocks_of(ROOT / "docs" / "reference" / "configuration.md", "toml")

    assert find_warnings(parse_policy(block.encode())) == ()


def test_gateways_when_a_page_shows_them_then_they_are_read() -> None:
    """Each `gateways.toml` that the page shows, in whole or in part, holds."""
    blocks = blocks_of(ROOT / "docs" / "how-to" / "phones.md", "toml")
    assert len(blocks) == 4
    for block in blocks:
        head = "" if "version" in block else "version = 1\n"
        head += "" if "[listen]" in block else "[listen]\nport = 1\n"
        assert len(parse_gateways((head + block).encode()).gateways) == 1


def find_shown_key() -> str:
    """The key with which the page's example is signed."""
    page = (ROOT / "docs" / "how-to" / "phones.md").read_text()
    (key,) = re.findall(r"signed with the key `(\S+)`", page)
    assert isinstance(key, str)
    return key


def test_webhook_when_its_example_is_run_then_the_signature_is_ours(tmp_path: Path) -> None:
    """The shell's lines of the page sign what they send as the program reads it."""
    (script,) = (
        block for block in blocks_of(ROOT / "docs/how-to/phones.md", "sh") if "HEX=" in block
    )
    tried = tmp_path / "try"
    signing, _, _ = script.partition("curl")
    tried.write_text(f'KEY={find_shown_key()}\n{signing}printf \'%s\\n\' "$TIME" "$BODY" "$HEX"\n')
    done = subprocess.run(["sh", tried], capture_output=True, text=True, check=True)
    at, body, signature = done.stdout.splitlines()
    signed = make_signed(INCOMING_LINE, "hook", at, body.encode())
    assert sign_sha256(Secret(find_shown_key().encode()), signed) == signature


def test_webhook_when_the_page_shows_one_then_its_signature_holds() -> None:
    """What somebody builds after the page is taken."""
    page = (ROOT / "docs" / "how-to" / "phones.md").read_text()
    shown = re.search(
        r"^Tipline-Timestamp: (\d+)\nTipline-Signature: v1=(\w+)\n\n(.*)$", page, re.MULTILINE
    )
    assert shown is not None
    signed = make_signed(INCOMING_LINE, "hook", shown[1], shown[3].encode())
    assert sign_sha256(Secret(find_shown_key().encode()), signed) == shown[2]
    # Whoever copies it copies one of a length that is taken.
    assert len(find_shown_key()) >= MIN_SECRET_CHARACTERS
