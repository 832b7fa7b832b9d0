"""A voice note from a browser to the desk: the voice arrives, and what it told does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.attaching import FOUND, attach, open_sent, send
from tests.browser.conftest import Line
from tests.browser.driver import Browser, Chromium, Firefox
from tests.judges.judge import find_residues, find_survivors, read_tags
from tests.judges.sounds import compare_sounds, make_sounds
from tipline.cleaning.ogg import SIGNATURE

pytestmark = pytest.mark.browser

TOLD = ("Benita Sandoval-Quiroga", "Tlalnepantla", "Darkroom-on-a-Phone", "depot", "2026")
# Two seconds of a tone, recorded as a program on a page does it, and chosen like any other file.
RECORD = """
new Promise((done, fail) => {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const target = context.createMediaStreamDestination();
  tone.connect(target);
  tone.start();
  const recorder = new MediaRecorder(target.stream, { mimeType: "audio/ogg;codecs=opus" });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.onerror = ({ error }) => fail(error);
  recorder.onstop = async () => {
    const chosen = new DataTransfer();
    const recorded = new File(parts, "note of Benita.ogg", { type: recorder.mimeType });
    chosen.items.add(recorded);
    const input = document.querySelector("#files");
    input.files = chosen.files;
    input.dispatchEvent(new Event("change"));
    done(Array.from(new Uint8Array(await recorded.arrayBuffer())));
  };
  recorder.start();
  setTimeout(() => recorder.stop(), 2000);
})
"""


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_voice_note_when_attached_then_the_desk_hears_it_and_reads_nothing(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """Opus in Ogg with a name, a place and a day in its comments, as phones write it."""
    folder = tmp_path / "made"
    folder.mkdir()
    note = next(path for path in make_sounds(folder) if path.read_bytes()[28:36] == b"OpusHead")
    (told,) = read_tags([note])
    async with make_line().serve() as line, kind(profile="safer") as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "listen to this")
        await attach(browser, note)
        found = await browser.evaluate(FOUND)
        shown = await browser.text("#file-list")
        await send(browser)
        tip, files = await open_sent(line, tmp_path / "vault")

    assert {"person", "place", "time", "software", "text"} <= set(found)
    assert set(files) == {"text.txt", "files/01.ogg"}
    cleaned = files["files/01.ogg"]
    for value in TOLD:
        assert value in str(told)
        assert value not in shown
        assert value.encode() not in cleaned
    assert tip["attachments"][0]["cleaning"] == {"state": "cleaned", "rules": 1, "found": found}
    arrived = tmp_path / "arrived.ogg"
    arrived.write_bytes(cleaned)
    (left,) = read_tags([arrived])
    assert find_residues(left) == {}
    assert find_survivors(told, cleaned) == set()
    assert compare_sounds(note.read_bytes(), cleaned) == "same"


async def test_voice_note_when_firefox_records_it_then_its_name_is_not_in_the_desks_copy(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """What a browser records names the browser; of that nothing arrives."""
    async with make_line().serve() as line, Firefox(profile="standard") as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "listen to this")
        recorded = bytes(await browser.evaluate(RECORD))
        await browser.until("document.querySelector('[data-look=looking]').hidden")
        found = await browser.evaluate(FOUND)
        await send(browser)
        tip, files = await open_sent(line, tmp_path / "vault")

    assert recorded.startswith(SIGNATURE)
    assert b"Mozilla" in recorded
    assert "software" in found
    cleaned = files["files/01.ogg"]
    assert b"Mozilla" not in cleaned
    assert b"Benita" not in cleaned + files["text.txt"] + str(tip).encode()
    assert compare_sounds(recorded, cleaned) == "same"
