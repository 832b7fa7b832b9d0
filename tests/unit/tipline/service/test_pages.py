"""The source's page as bytes."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import brotli
import pytest

from crypto.note import Signer
from tipline.configuration import Configuration, parse_configuration
from tipline.errors import InstanceError
from tipline.example import format_configuration
from tipline.language import LANGUAGES
from tipline.service.pages import (
    ACCOUNT_PATH,
    IMMUTABLE,
    NO_STORE,
    STATIC_DIRECTORY,
    Page,
    load_pages,
    make_page,
)

ROOT_DIRECTORY = Path(__file__).parents[4]
ROOT = Signer.generate("tipline-root").verifier().format()


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    """A line with a name that would be markup if it were let."""
    texts = {
        f"line.{part}.{language}": f"{part} <{language}> & co"
        for part in ("name", "emergency")
        for language in LANGUAGES
    }
    return parse_configuration(
        format_configuration({"root": ROOT, "keyset_minimum": 7, **texts}, translate=str)
    )


@pytest.fixture(scope="module")
def pages(configuration: Configuration) -> Mapping[str, Page]:
    """Everything, from today's sources."""
    subprocess.run(["node", ROOT_DIRECTORY / "tipline/page/build.mjs"], check=True)
    return load_pages(configuration=configuration)


def test_pages_have_one_path_per_language_and_what_they_load(pages: Mapping[str, Page]) -> None:
    """Every address in a page is a path that is served."""
    for language in LANGUAGES:
        html = pages[f"/{language}/"].bodies["identity"].decode()
        found = re.findall(r'(?:href|src)="(/[^"]*)"', html)
        # Made while serving, from the log.
        account = f"/{language}{ACCOUNT_PATH}"
        assert account in found
        assert set(found) - {account} <= set(pages)
        assert f"/{language}/leave" in found
    assert {"/", *(f"/{language}/" for language in LANGUAGES)} <= set(pages)


def test_pages_are_in_their_language(pages: Mapping[str, Page]) -> None:
    """Each page says its language and has other words than the others."""
    bodies = {language: pages[f"/{language}/"].bodies["identity"] for language in LANGUAGES}
    for language, body in bodies.items():
        assert f'<html lang="{language}" dir="ltr">'.encode() in body
    assert "Antes de escribir" in bodies["es"].decode()
    assert "Antes de escrever" in bodies["pt"].decode()
    assert "Before you write" in bodies["en"].decode()


def test_pages_when_compressed_are_the_same_bytes(pages: Mapping[str, Page]) -> None:
    """Each compression opens to the page itself."""
    for page in pages.values():
        assert gzip.decompress(page.bodies["gzip"]) == page.bodies["identity"]
        assert brotli.decompress(page.bodies["br"]) == page.bodies["identity"]


def test_pages_are_the_same_after_every_start(
    configuration: Configuration, pages: Mapping[str, Page]
) -> None:
    """Nothing of the start's time is in them."""
    again = load_pages(configuration=configuration)
    assert {path: dict(page.bodies) for path, page in again.items()} == {
        path: dict(page.bodies) for path, page in pages.items()
    }


def test_page_escapes_what_the_operator_wrote(pages: Mapping[str, Page]) -> None:
    """The operator's texts are words, never markup."""
    html = pages["/es/"].bodies["identity"].decode()
    assert "name &lt;es&gt; &amp; co" in html
    assert "<es>" not in html


def test_page_pins_the_root_and_the_lowest_keyset(pages: Mapping[str, Page]) -> None:
    """What the worker checks a keyset against stands in the page."""
    html = pages["/en/"].bodies["identity"].decode()
    assert f'<meta name="tipline-root" content="{ROOT}">' in html
    assert '<meta name="tipline-keyset-minimum" content="7">' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_no_inline_script_style_or_handler(
    language: str, pages: Mapping[str, Page]
) -> None:
    """The policy would stop them; none is there to be stopped."""
    html = pages[f"/{language}/"].bodies["identity"].decode()
    assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
    assert "<style" not in html
    assert re.findall(r"\s(?:style|on[a-z]+)=", html) == []
    assert "http:" not in html
    assert "https:" not in html


def test_page_title_and_icon_name_tell_nothing(pages: Mapping[str, Page]) -> None:
    """What stands in the tab and in the history could be any form."""
    html = pages["/en/"].bodies["identity"].decode()
    assert re.findall(r"<title>(.*?)</title>", html) == ["Form"]


def test_every_page_carries_the_policy(pages: Mapping[str, Page]) -> None:
    """The worker's own response is bound as the page is."""
    for page in pages.values():
        policy = page.headers["Content-Security-Policy"]
        for part in (
            "default-src 'none'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types tipline-worker",
        ):
            assert part in policy
        assert "unsafe" not in policy
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_are_kept_by_a_browser_only_if_their_name_holds_their_hash(
    pages: Mapping[str, Page],
) -> None:
    """Everything else is fetched anew and not kept."""
    for path, page in pages.items():
        kept = page.headers["Cache-Control"] == IMMUTABLE
        assert kept == bool(re.fullmatch(r"/static/[a-z]+-[0-9a-f]{16}\.[a-z]+", path))
        assert kept or page.headers["Cache-Control"] == NO_STORE


def test_demonstration_is_named_on_every_screen(
    configuration: Configuration, pages: Mapping[str, Page]
) -> None:
    """Each page of a demonstration says that it is not for real tips; no other page does."""
    shown = load_pages(configuration=configuration, demonstration=True)
    for path, page in shown.items():
        if not path.startswith("/static/"):
            assert b'class="demonstration"' in page.bodies["identity"], path
            assert b'class="demonstration"' not in pages[path].bodies["identity"], path


def test_load_when_a_built_file_was_changed_refuses(
    configuration: Configuration, pages: Mapping[str, Page], tmp_path: Path
) -> None:
    """A file that is not the one in build.json is not served."""
    assert pages
    for path in STATIC_DIRECTORY.iterdir():
        changed = b" " if path.name.startswith("worker") else b""
        (tmp_path / path.name).write_bytes(path.read_bytes() + changed)
    with pytest.raises(InstanceError) as caught:
        load_pages(configuration=configuration, static_directory=tmp_path)
    assert caught.value.code == "page_changed"


def test_load_when_the_page_is_not_built_says_so(
    configuration: Configuration, tmp_path: Path
) -> None:
    """A missing build is an error of ours, with words."""
    with pytest.raises(InstanceError) as caught:
        load_pages(configuration=configuration, static_directory=tmp_path)
    assert caught.value.code == "page_not_built"


@pytest.mark.parametrize(
    ("wish", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("", "identity"),
        ("br;q=0, gzip;q=1.0", "gzip"),
        ("br; q=0, gzip;q=0.0", "identity"),
        ("GZIP", "gzip"),
        ("brotli, xgzip", "identity"),
        ("*", "identity"),
    ],
)
def test_coding_is_one_that_the_client_takes(wish: str, coding: str) -> None:
    """The smallest of those that the client names and does not forbid."""
    page = make_page(b"words", suffix=".html", cache_control=NO_STORE)
    assert page.choose(wish) == coding
