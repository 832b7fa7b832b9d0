"""Attaching files as a source does: choosing, waiting for what is found, deciding."""

from __future__ import annotations

from pathlib import Path

from tests.browser.browser import Browser

LOOKED_INTO = (
    "document.querySelectorAll('#file-list > li').length === {count}"
    " && [...document.querySelectorAll('#file-list [data-look=looking]')].every((it) => it.hidden)"
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
