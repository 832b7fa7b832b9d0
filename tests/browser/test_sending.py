"""The main job on loopback: a browser seals and sends, the service stores, the desk opens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.attaching import attach
from tests.browser.conftest import Line
from tests.browser.driver import Browser, Chromium, Firefox, Profile
from tipline.demonstration.photo import make_photo

pytestmark = pytest.mark.browser

BROWSERS = [(Firefox, "standard"), (Firefox, "safer"), (Chromium, "standard"), (Chromium, "safer")]
NAMES = [f"{kind.__name__}-{profile}" for kind, profile in BROWSERS]
TEXT = "The bridge on River Street: «cracks» under the third pier.\nAsk for the report of May. 🌉"


@pytest.mark.parametrize(("kind", "profile"), BROWSERS, ids=NAMES)
async def test_tip_sent_with_a_file_arrives_and_opens_unchanged(
    kind: type[Browser], profile: Profile, make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """What the desk opens is what was typed and attached, in each browser, with and without JIT."""
    photo = tmp_path / "IMG_2031 küche.JPG"
    photo.write_bytes(make_photo(width_pixels=9_600))  # 1.4 MB
    async with make_line().serve() as line, kind(profile=profile) as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", TEXT)
        await browser.click("#danger")
        await browser.type("#place", "River Street")
        await attach(browser, photo)
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=arrived]').hidden", seconds=60)
        assert "Your tip has arrived" in await browser.text("#status")
        assert await browser.evaluate("document.querySelector('#text').value") == ""
        assert await browser.violations() == []
        bundle = await line.pull()
    outcomes, vault = line.open_tips(bundle, reader="inspector", vault_directory=tmp_path / "v")
    assert [outcome.state for outcome in outcomes] == ["opened"]
    place = vault.place_of(outcomes[0].id)
    assert place is not None
    tip = json.loads((place / "tip.json").read_bytes())
    assert tip["text"] == TEXT
    assert (place / "text.txt").read_text() == TEXT
    assert tip["danger"] is True
    assert tip["place"] == "River Street"
    assert tip["attachments"][0]["cleaning"]["state"] == "clean"
    assert (place / "files/01.jpg").read_bytes() == photo.read_bytes()
