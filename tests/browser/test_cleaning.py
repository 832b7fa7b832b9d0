"""What a file says besides its content: found on the source's device, shown, taken out there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.attaching import FOUND, open_sent, send
from tests.browser.conftest import Line
from tests.browser.cutting import BadLine
from tests.browser.driver import Browser, Chromium, Firefox, Profile
from tests.judges.judge import find_residues, find_survivors, read_pixels, read_tags
from tests.judges.made import make_all
from tests.pictures import JFIF, SIGNATURE, chunk, make_header, make_jpeg, make_scan, segment

pytestmark = pytest.mark.browser

BROWSERS = [(Firefox, "standard"), (Firefox, "safer"), (Chromium, "standard"), (Chromium, "safer")]
NAMES = [f"{kind.__name__}-{profile}" for kind, profile in BROWSERS]
NAME = "IMG_2031 Benita's depot.JPG"
SLICE_BYTES = 1024 * 1024


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo with a place, a device, a name and a preview, as a phone takes it."""
    folder = tmp_path / "made"
    folder.mkdir()
    path = tmp_path / NAME
    make_all(folder)[0].rename(path)
    os.utime(path, (1_900_000_000, 1_900_000_000))
    return path


def read(path: Path) -> bytes:
    """What the source's device has."""
    return path.read_bytes()


def change(path: Path, how: str) -> None:
    """Let a file be another one by the time it is sent, of the same length if it is there."""
    size_bytes = path.stat().st_size
    changed = {
        "other kinds": make_jpeg(JFIF, segment(0xFE, b"written for this")),
        "no picture": b"no picture",
    }
    if how in changed:
        path.write_bytes(changed[how].ljust(size_bytes, b"\0"))
    else:
        path.unlink()


async def write(browser: Browser, line: Line | BadLine, *files: Path) -> None:
    """Write a tip, attach files, and wait until the page has looked into them."""
    await browser.open(line.url + "en/")
    await browser.until("!document.querySelector('#form').hidden")
    await browser.type("#text", "seen at the depot")
    await browser.set_files("#files", files)
    await browser.until(
        "[...document.querySelectorAll('#file-list [data-look=looking]')]"
        f".filter((it) => it.hidden).length === {len(files)}"
    )


@pytest.mark.parametrize(("kind", "profile"), BROWSERS, ids=NAMES)
async def test_photo_when_attached_then_what_was_found_is_named_and_the_desk_has_none_of_it(
    kind: type[Browser],
    profile: Profile,
    make_line: Callable[..., Line],
    photo: Path,
    tmp_path: Path,
) -> None:
    """Place, device and time are named, never their values; two judges find nothing left."""
    (told,) = read_tags([photo])
    assert "Lumenwerk" in str(told)
    async with make_line().serve() as line, kind(profile=profile) as browser:
        await write(browser, line, photo)
        found = await browser.evaluate(FOUND)
        shown = await browser.text("#file-list")
        assert (
            await browser.evaluate("document.querySelector('[data-part=original]').checked")
            is False
        )
        await send(browser)
        tip, files = await open_sent(line, tmp_path / "vault")
    assert {"place", "device", "time", "person", "preview"} <= set(found)
    assert "Place:" in shown
    assert "Untouched" not in shown
    for value in ("Lumenwerk", "19.4", "Benita Sandoval", "2026"):
        assert value not in shown
    assert set(files) == {"text.txt", "files/01.jpg"}
    (attachment,) = tip["attachments"]
    assert attachment["cleaning"] == {"state": "cleaned", "rules": 1, "found": found}
    assert attachment.keys() == {"path", "type", "size_bytes", "cleaning"}
    assert (attachment["path"], attachment["type"]) == ("files/01.jpg", "image/jpeg")
    assert NAME not in json.dumps(tip)
    arrived = tmp_path / "arrived.jpg"
    arrived.write_bytes(files["files/01.jpg"])
    (left,) = read_tags([arrived])
    assert find_residues(left) == {}
    assert find_survivors(told, files["files/01.jpg"]) == set()
    assert read_pixels(files["files/01.jpg"]) == read_pixels(read(photo))


@pytest.mark.parametrize(("kind", "profile"), BROWSERS, ids=NAMES)
async def test_pdf_when_attached_then_its_pages_arrive_and_nothing_that_it_told_besides(
    kind: type[Browser], profile: Profile, make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """The author, the note's writer and the photo's place are gone; the pages look the same."""
    folder = tmp_path / "made"
    folder.mkdir()
    (document,) = [path for path in make_all(folder) if path.suffix == ".pdf"]
    (told,) = read_tags([document])
    assert "Benita Sandoval-Quiroga" in str(told)
    async with make_line().serve() as line, kind(profile=profile) as browser:
        await write(browser, line, document)
        found = await browser.evaluate(FOUND)
        await send(browser)
        tip, files = await open_sent(line, tmp_path / "vault")
        assert await browser.violations() == []
    assert {"place", "person", "software", "time", "history"} <= set(found)
    (attachment,) = tip["attachments"]
    assert attachment["cleaning"]["state"] == "cleaned"
    assert set(attachment["cleaning"]["found"]) == set(found)
    assert (attachment["path"], attachment["type"]) == ("files/01.pdf", "application/pdf")
    arrived = tmp_path / "arrived.pdf"
    arrived.write_bytes(files["files/01.pdf"])
    (left,) = read_tags([arrived])
    assert find_residues(left) == {}
    assert find_survivors(told, read(arrived)) == set()
    assert read_pixels(read(arrived)) == read_pixels(read(document))


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_original_when_asked_for_then_it_arrives_untouched_beside_the_cleaned_file(
    kind: type[Browser], make_line: Callable[..., Line], photo: Path, tmp_path: Path
) -> None:
    """One box, for one of two photos: its original arrives byte for byte, with name and time."""
    other = tmp_path / "other.jpg"
    other.write_bytes(read(photo))
    async with make_line().serve() as line, kind() as browser:
        await write(browser, line, other, photo)
        await browser.click("#file-list > li:nth-child(2) [data-part=original]")
        await send(browser)
        tip, files = await open_sent(line, tmp_path / "vault")
    assert set(files) == {"text.txt", "files/01.jpg", "files/02.jpg", "originals/02.jpg"}
    assert files["originals/02.jpg"] == read(photo)
    assert files["files/02.jpg"] != read(photo)
    first, second = tip["attachments"]
    assert "original" not in first
    assert second["original"] == {
        "name": NAME,
        "type": "image/jpeg",
        "size_bytes": len(read(photo)),
        "modified_at": "2030-03-17T17:46:40.000Z",
    }


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_file_when_it_cannot_be_cleaned_then_it_goes_only_with_the_sources_consent(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """Without the box nothing is sent and the fault is named; with it the tip says so."""
    plan = tmp_path / "Benitas plan.docm"
    plan.write_bytes(os.urandom(5000))
    async with make_line().serve() as line, kind() as browser:
        await write(browser, line, plan)
        shown = await browser.text("#file-list")
        assert "This page cannot clean files of this kind" in shown
        assert "it may tell where, when, with which device and by whom" in shown
        await browser.click("#send")
        await browser.until("document.activeElement.dataset.part === 'consent'")
        assert "This file was not cleaned" in await browser.text("#file-list")
        assert await browser.evaluate("document.querySelector('#status').hidden")
        assert not [method for method, url in browser.requests() if "/uploads/" in url]
        await browser.click("[data-part=consent]")
        assert "This file was not cleaned" not in await browser.text("#file-list")
        await send(browser)
        tip, files = await open_sent(line, tmp_path / "vault")
    assert files["files/01.docm"] == read(plan)
    (attachment,) = tip["attachments"]
    assert attachment["cleaning"] == {"state": "uncleaned", "rules": 1, "reason": "unknown"}
    assert attachment.keys() == {"path", "type", "size_bytes", "cleaning"}
    assert "Benita" not in json.dumps(tip)


async def test_file_when_it_says_nothing_besides_its_content_then_that_is_said(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """A clean file is sent byte for byte, and nobody is asked about its original."""
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(make_jpeg())
    async with make_line().serve() as line, Chromium() as browser:
        await write(browser, line, picture)
        assert "Nothing was found in this file besides its content" in await browser.text(
            "#file-list"
        )
        assert await browser.evaluate(
            "!document.querySelector('[data-part=original]').checkVisibility()"
        )
        await send(browser)
        tip, files = await open_sent(line, tmp_path / "vault")
    assert files["files/01.jpg"] == read(picture)
    assert tip["attachments"][0]["cleaning"] == {"state": "clean", "rules": 1}


@pytest.mark.parametrize("kind", [Firefox, Chromium])
@pytest.mark.parametrize("how", ["other kinds", "no picture", "gone"])
async def test_file_when_it_changed_since_it_was_shown_then_nothing_is_sent(
    kind: type[Browser], how: str, make_line: Callable[..., Line], photo: Path
) -> None:
    """The source decided about what was shown; another file is another decision."""
    async with make_line().serve() as line, kind() as browser:
        await write(browser, line, photo)
        change(photo, how)
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=failed]').hidden")
        assert "A file could not be read, or changed" in await browser.text("#status")
        assert not [method for method, url in browser.requests() if "/uploads/" in url]


def make_large(*, comment_bytes: int, size_bytes: int) -> bytes:
    """A JPEG of one length, whose comments take up more or less of it."""
    comments = [
        segment(0xFE, b"c" * min(60_000, comment_bytes - start))
        for start in range(0, comment_bytes, 60_000)
    ]
    bare = len(make_jpeg(JFIF, *comments, scans=[make_scan(data=b"")]))
    return make_jpeg(JFIF, *comments, scans=[make_scan(data=b"\x0f" * (size_bytes - bare))])


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_file_when_it_changes_while_it_is_sent_then_the_tip_does_not_arrive(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """What was to be kept of one file is not taken from the same places of another."""
    path = tmp_path / "large.jpg"
    path.write_bytes(make_large(comment_bytes=100, size_bytes=6 * SLICE_BYTES))
    changed = False

    def watch(sent: bytes) -> bool:
        nonlocal changed
        if not changed and b"upload-offset: 1048576\r\n" in sent.lower():
            changed = True
            path.write_bytes(make_large(comment_bytes=3_000_000, size_bytes=6 * SLICE_BYTES))
        return False

    async with (
        make_line().serve() as line,
        BadLine(cut_request=watch).to(line.url) as watched,
        kind() as browser,
    ):
        await write(browser, watched, path)
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=failed]').hidden", seconds=60)
        assert changed
        assert "A file could not be read, or changed" in await browser.text("#status")
        bundle = await line.pull()
    assert line.open_tips(bundle, reader="auditor", vault_directory=tmp_path / "v")[0] == []


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_file_when_it_is_still_looked_into_then_sending_waits(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """A file of a million parts takes a moment: it shows that, and nothing is sent meanwhile."""
    slow = tmp_path / "slow.png"
    parts = chunk(b"teXt") * 999_000
    slow.write_bytes(SIGNATURE + make_header() + parts)
    async with make_line().serve() as line, kind(profile="safer") as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "words")
        await browser.set_files("#files", [slow])
        await browser.until("document.querySelector('#file-list progress').checkVisibility()")
        label = "document.querySelector('#file-list progress').getAttribute('aria-labelledby')"
        assert await browser.evaluate(f"document.getElementById({label}).innerText") != ""
        await browser.evaluate("document.querySelector('#send').click()")
        assert "still looking into this file" in await browser.text("#file-list")
        assert await browser.evaluate("document.querySelector('#status').hidden")
        await browser.until("document.querySelector('[data-look=looking]').hidden", seconds=60)
        assert "still looking" not in await browser.text("#file-list")


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_file_when_it_is_large_then_its_progress_is_shown_and_removing_it_ends_the_look(
    kind: type[Browser], make_line: Callable[..., Line], photo: Path, tmp_path: Path
) -> None:
    """A file for minutes shows how far it is; once it is removed, the next one need not wait."""
    endless = tmp_path / "endless.jpg"
    picture = make_jpeg()
    endless.write_bytes(picture[: picture.index(b"\xff\xda") + 10])
    os.truncate(endless, 256 * 1024**3)
    percent = "document.querySelector('#file-list [data-part=percent]')"
    progress = "document.querySelector('#file-list progress')"
    async with make_line().serve() as line, kind(profile="standard") as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.set_files("#files", [endless, photo])
        await browser.until(f"{percent}.checkVisibility()", seconds=60)
        first = await browser.evaluate(f"{progress}.value")
        await browser.until(f"{progress}.value > {first}", seconds=60)
        assert "0% of it is done." in await browser.text("#file-list")
        assert not await browser.evaluate("document.querySelector('.found').checkVisibility()")
        await browser.click("#file-list button")
        await browser.until(
            "document.querySelectorAll('#file-list > li').length === 1"
            " && document.querySelector('[data-look=looking]').hidden",
            seconds=60,
        )
        assert "place" in await browser.evaluate(FOUND)
        assert await browser.violations() == []


async def test_form_when_opened_then_it_says_what_cannot_be_taken_out(
    make_line: Callable[..., Line],
) -> None:
    """Faces, voices, printer dots, sensors and watermarks stand in an expandable place."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        summary = "What cannot be taken out of a file"
        assert summary in await browser.text("details.remains")
        assert "Faces" not in await browser.text("details.remains")
        await browser.click("details.remains summary")
        said = await browser.text("details.remains")
        for word in ("Faces", "voices", "sign", "yellow dots", "sensor", "Watermarks"):
            assert word in said
