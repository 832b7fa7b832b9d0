"""A source leaves a reader out: that reader's key cannot open the tip, and nothing shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto.envelope import HEADER_LEN
from crypto.strict import parse_json_object
from tests.browser.conftest import Line
from tests.browser.driver import Browser, Chromium, Firefox

pytestmark = pytest.mark.browser


async def _send(browser: Browser, line: Line, text: str, *, leave_out: bool) -> None:
    await browser.open(line.url + "en/")
    await browser.until("!document.querySelector('#form').hidden")
    await browser.type("#text", text)
    if leave_out:
        await browser.click("#leave-out-newsroom")
    await browser.click("#send")
    await browser.until("!document.querySelector('[data-state=arrived]').hidden")


def _shapes(bundle: bytes) -> list[str]:
    index = bundle[-16 - int.from_bytes(bundle[-16:-8], "big") : -16]
    fields = parse_json_object(index.split(b"\n")[1], max_bytes=1 << 20)
    shapes = []
    for tip in fields["tips"]:
        envelope = bundle[tip["offset"] :][: tip["size_bytes"]]
        head = envelope[:HEADER_LEN].decode("ascii")
        shapes.append(f"{len(envelope)} " + re.sub(r"[A-Za-z0-9+/]{43,}", "*", head))
    return shapes


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_tip_when_a_reader_is_left_out_opens_for_the_others_alone_in_the_same_shape(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """A left-out reader's key cannot open the tip, and the envelope has the same shape."""
    async with make_line().serve() as line, kind() as browser:
        await _send(browser, line, "for all", leave_out=False)
        await _send(browser, line, "not for the newsroom", leave_out=True)
        bundle = await line.pull()
    texts = {}
    for reader in ("inspector", "auditor", "newsroom"):
        outcomes, vault = line.open_tips(bundle, reader=reader, vault_directory=tmp_path / reader)
        places = [vault.place_of(tip.id) for tip in outcomes if tip.state == "opened"]
        texts[reader] = sorted(
            (place / "text.txt").read_text() for place in places if place is not None
        )
    everything = ["for all", "not for the newsroom"]
    assert texts == {"inspector": everything, "auditor": everything, "newsroom": ["for all"]}
    first, second = _shapes(bundle)
    assert first == second


async def test_page_offers_to_leave_out_only_readers_whom_the_channel_marks_as_optional(
    make_line: Callable[..., Line],
) -> None:
    """A box stands beside the optional reader and beside nobody else."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        boxes = "[...document.querySelectorAll('[name=leave-out]')].map((box) => box.value)"
        assert await browser.evaluate(boxes) == ["newsroom"]
        await browser.click("#channel-schools")
        assert await browser.evaluate(boxes) == []
        assert "Ana Lima" in await browser.text("#readers")
        assert "Okafor" not in await browser.text("#readers")
