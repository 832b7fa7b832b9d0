"""Attaching files as a source does: choosing, waiting for what is found, deciding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser.browser import Browser
from tests.browser.conftest import Line

LOOKED_INTO = (
    "document.querySelectorAll('#file-list > li').length === {count}"
    " && [...document.querySelectorAll('#file-list [data-look=looking]')].every((it) => it.hidden)"
)


# What a person sees as found in the files, by their kinds.
FOUND = (
    "[...document.querySelectorAll('#file-list [data-kind]')]"
    ".filter((it) => it.checkVisibility()).map((it) => it.dataset.kind)"
)


async def attach(browser: Browser, *paths: Path, consent: bool = False) -> None:
    """
    Choose files and wait until the page has looked into them.

    Args:
        browser: Shows the form, with no file yet.
        paths: The files.
        consent: Send what cannot be cleaned all the same. It is an error if nothing asks for it.
    """
    await browser.set_files("#files", paths)
    await browser.until(LOOKED_INTO.format(count=len(paths)), seconds=60)
    if consent:
        await browser.click("[data-look=uncleaned]:not([hidden]) [data-part=consent]")


async def send(browser: Browser) -> None:
    """Send it, and wait until it has arrived."""
    await browser.click("#send")
    await browser.until("!document.querySelector('[data-state=arrived]').hidden", seconds=60)
    assert await browser.violations() == []


async def open_sent(line: Line, vault_directory: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the desk has: the fields, and the files by their names."""
    bundle = await line.pull()
    outcomes, vault = line.open_tips(bundle, reader="inspector", vault_directory=vault_directory)
    assert [outcome.state for outcome in outcomes] == ["opened"]
    place = vault.place_of(outcomes[0].id)
    assert place is not None
    files = {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }
    return json.loads(files.pop("tip.json")), files
