"""Pictures and recordings that belong to a message."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from crypto.attachment import CLEAN, CLEANED, UNCLEANED, Cleaning
from crypto.envelope import AttachedFile
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import EXTENSIONS, Format
from tipline.cleaning.rules import NUMBER
from tipline.demonstration.photo import label_photo, make_photo
from tipline.errors import GatewayError
from tipline.gateway import cleaner, media
from tipline.gateway.incoming import MediaReference

PHOTO = make_photo(width_pixels=64)


class Provider:
    """An adapter of which only the files are asked for."""

    name = "example"

    def __init__(self, files: dict[str, list[bytes | str]]) -> None:
        self.files = files
        self.forgotten: list[str] = []
        self.limits: list[int] = []

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        self.limits.append(limit_bytes)
        answer = self.files[reference.location].pop(0)
        if isinstance(answer, str):
            raise GatewayError(answer, gateway=self.name)
        if len(answer) > limit_bytes:
            raise GatewayError("gateway_media", gateway=self.name, limit=limit_bytes)
        return answer

    async def forget(self, reference: MediaReference) -> None:
        answer = self.files[reference.location].pop(0)
        if isinstance(answer, str):
            raise GatewayError(answer, gateway=self.name)
        self.forgotten.append(reference.location)


def refer(*locations: str) -> list[MediaReference]:
    """Refer to files."""
    return [MediaReference(location=location, media_type="image/jpeg") for location in locations]


async def keep(untrusted: bytes) -> AttachedFile:
    """Take a file as it is: cleaning is looked at elsewhere."""
    return await media.clean_file(untrusted) if untrusted == PHOTO else _plain(untrusted)


def _plain(untrusted: bytes) -> AttachedFile:
    return media._leave(untrusted, Reason.UNKNOWN)


@pytest.fixture
def pauses() -> list[float]:
    """Collect how long was waited."""
    return []


@pytest.fixture
def collector(pauses: list[float]) -> media.MediaCollector:
    """Make a collector that does not wait."""

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return media.MediaCollector(clean=keep, sleep=sleep)


async def test_clean_when_a_photo_says_where_it_was_made_then_takes_that_out() -> None:
    """A photo is cleaned by the same rules as everywhere, and says so in the tip."""
    file = await media.clean_file(label_photo(PHOTO))

    assert file.source.read() == PHOTO
    assert (file.extension, file.media_type) == ("jpg", "image/jpeg")
    assert file.cleaning == Cleaning(state=CLEANED, rules=NUMBER, found=("place", "device", "time"))


async def test_clean_when_there_is_nothing_to_take_out_then_says_so() -> None:
    """A photo without a word of its device stays as it is."""
    file = await media.clean_file(PHOTO)

    assert file.source.read() == PHOTO
    assert file.cleaning == Cleaning(state=CLEAN, rules=NUMBER)


@pytest.mark.parametrize(
    ("untrusted", "reason"),
    [(b"\0\1\2 nothing known", Reason.UNKNOWN), (PHOTO[:200], Reason.TRUNCATED)],
)
async def test_clean_when_it_cannot_be_cleaned_then_it_is_kept_and_marked(
    untrusted: bytes, reason: Reason
) -> None:
    """What no rule knows is sealed as it is, with the reason, and with no word of its sender's."""
    file = await media.clean_file(untrusted)

    assert file.source.read() == untrusted
    assert (file.extension, file.media_type) == ("bin", "application/octet-stream")
    assert file.cleaning == Cleaning(state=UNCLEANED, rules=NUMBER, reason=reason.value)


async def test_clean_when_the_process_is_killed_then_the_file_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that takes too long is neither lost nor waited for."""
    monkeypatch.setattr(media, "CLEANING_SECONDS", 0.0)
    file = await media.clean_file(label_photo(PHOTO))

    assert file.source.read() == label_photo(PHOTO)
    assert file.cleaning is not None
    assert file.cleaning.reason == Reason.TOO_COMPLEX.value


def test_formats_when_listed_then_each_has_a_media_type() -> None:
    """No format that is cleaned is without its type and its ending."""
    assert media.MEDIA_TYPES.keys() == EXTENSIONS.keys() == set(Format)


@pytest.mark.parametrize(
    "out",
    [
        b"",
        b"no newline",
        b"not json\nx",
        b"[]\nx",
        b"{}\nx",
        b"null\nx",
        json.dumps({"state": "clean", "format": "exe"}).encode() + b"\nx",
        json.dumps({"state": "clean", "format": "jpeg"}).encode() + b"\n",
        json.dumps({"state": "cleaned", "format": "jpeg"}).encode() + b"\nx",
        json.dumps({"state": "clean", "format": "jpeg", "found": ["place"]}).encode() + b"\nx",
        json.dumps({"state": "cleaned", "format": "jpeg", "found": ["<b>"]}).encode() + b"\nx",
        json.dumps({"state": "cleaned", "format": "jpeg", "found": ["time"] * 2}).encode() + b"\nx",
        json.dumps({"state": "cleaned", "format": "jpeg", "found": 7}).encode() + b"\nx",
        json.dumps({"state": "uncleaned", "reason": "because"}).encode() + b"\n",
        b'{"a": "' + b"x" * media.MAX_HEAD_BYTES + b'"}\nx',
    ],
)
def test_answer_when_the_process_lies_then_the_file_is_kept_as_it_came(out: bytes) -> None:
    """Whoever takes over the process that cleans cannot make a tip that does not open."""
    file = media._read_answer(PHOTO, out)

    assert file.source.read() == PHOTO
    assert file.cleaning == Cleaning(state=UNCLEANED, rules=NUMBER, reason=Reason.MALFORMED.value)


async def test_collect_when_all_is_there_then_nothing_is_missing(
    collector: media.MediaCollector,
) -> None:
    """Each file is fetched once, in its order."""
    provider = Provider({"a": [PHOTO], "b": [b"two"]})
    collected = await collector.collect(provider, refer("a", "b"))  # type: ignore[arg-type]

    assert [file.source.read() for file in collected.files] == [PHOTO, b"two"]
    assert [one.location for one in collected.fetched] == ["a", "b"]
    assert collected.missing_len == 0


async def test_collect_when_the_provider_is_down_for_a_moment_then_tries_again(
    collector: media.MediaCollector, pauses: list[float]
) -> None:
    """A file that comes at the third attempt is not missing."""
    provider = Provider({"a": ["gateway_unreachable", "gateway_unreachable", b"one"]})
    collected = await collector.collect(provider, refer("a"))  # type: ignore[arg-type]

    assert collected.missing_len == 0
    assert pauses == [media.PAUSE_SECONDS] * 2


@pytest.mark.parametrize(
    ("told_seconds", "pause_seconds"),
    [(0, media.PAUSE_SECONDS), (7, 7.0), (3600, media.LONGEST_PAUSE_SECONDS)],
)
async def test_fetch_when_the_provider_says_how_long_to_wait_then_waits_so_long(
    collector: media.MediaCollector,
    pauses: list[float],
    told_seconds: int,
    pause_seconds: float,
) -> None:
    """Who asks before the time that was named is only refused again."""
    asked: list[str] = []

    class Busy:
        async def forget_message(self, provider_id: str) -> None:
            asked.append(provider_id)
            if len(asked) == 1:
                raise GatewayError("gateway_unreachable", gateway="gate", wait_seconds=told_seconds)

    assert await collector.forget_message(Busy(), "7")
    assert (asked, pauses) == (["7", "7"], [pause_seconds])


@pytest.mark.parametrize(
    "answers",
    [
        ["gateway_unreachable"] * media.ATTEMPTS,
        ["gateway_refused"],
        [b"x" * (media.MAX_FILE_BYTES + 1)],
        [b""],
    ],
)
async def test_collect_when_a_file_does_not_come_then_counts_it_and_goes_on(
    collector: media.MediaCollector, answers: list[bytes | str]
) -> None:
    """A file that cannot be had keeps neither the text nor the other files back."""
    provider = Provider({"a": answers, "b": [b"two"]})
    collected = await collector.collect(provider, refer("a", "b"))  # type: ignore[arg-type]

    assert [file.source.read() for file in collected.files] == [b"two"]
    assert [one.location for one in collected.fetched] == ["b"]
    assert collected.missing_len == 1


async def test_collect_when_files_are_many_or_large_then_memory_is_bounded(
    collector: media.MediaCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither their number nor their sizes together go beyond what an envelope holds."""
    monkeypatch.setattr(media, "MAX_MESSAGE_BYTES", 10)
    provider = Provider({"a": [b"123456"], "b": [b"123456"], "c": [b"1234"], "d": [b"x"]})
    collected = await collector.collect(provider, refer("a", "b", "c", "d"))  # type: ignore[arg-type]

    assert [one.location for one in collected.fetched] == ["a", "c"]
    assert collected.missing_len == 2
    assert provider.limits == [10, 4, 4]

    monkeypatch.undo()
    many = {str(number): [b"x"] for number in range(media.MAX_MEDIA + 2)}
    collected = await collector.collect(Provider(many), refer(*many))  # type: ignore[arg-type]
    assert (len(collected.files), collected.missing_len) == (media.MAX_MEDIA, 2)


async def test_collect_when_the_provider_does_not_answer_then_the_time_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was fetched before the time was over is kept; the rest is counted."""
    monkeypatch.setattr(media, "COLLECTING_SECONDS", 0.2)

    class Silent(Provider):
        async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
            if reference.location == "b":
                await asyncio.Event().wait()
            return await super().fetch(reference, limit_bytes=limit_bytes)

    collector = media.MediaCollector(clean=keep)
    silent = Silent({"a": [b"one"], "c": [b"three"]})
    collected = await collector.collect(silent, refer("a", "b", "c"))  # type: ignore[arg-type]

    assert [one.location for one in collected.fetched] == ["a"]
    assert collected.missing_len == 2


async def test_places_when_they_are_taken_then_the_next_message_waits(
    collector: media.MediaCollector,
) -> None:
    """So many messages with files are held in memory at once, and no more."""
    inside = 0
    most = 0
    gate = asyncio.Event()

    async def one() -> None:
        nonlocal inside, most
        async with collector.hold_place():
            inside += 1
            most = max(most, inside)
            await gate.wait()
            inside -= 1

    tasks = [asyncio.create_task(one()) for _ in range(media.MESSAGES_AT_ONCE + 3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside == media.MESSAGES_AT_ONCE
    gate.set()
    await asyncio.gather(*tasks)
    assert most == media.MESSAGES_AT_ONCE


async def test_forget_when_the_provider_refuses_then_says_how_many_it_may_have(
    collector: media.MediaCollector,
) -> None:
    """What the provider did not remove is counted, and never taken as gone."""
    provider = Provider(
        {"a": [b"gone"], "b": ["gateway_refused"], "c": ["gateway_unreachable", b"gone"]}
    )
    assert await collector.forget(provider, refer("a", "b", "c")) == 1  # type: ignore[arg-type]
    assert provider.forgotten == ["a", "c"]


async def test_cleaner_when_it_computes_then_it_cannot_open_a_file_for_writing(
    tmp_path: Path,
) -> None:
    """The process has given up writing to the disk and starting others before it reads a file."""
    script = (
        "import sys\nfrom tipline.gateway import cleaner\n"
        "def clean(source, destination):\n"
        "    import os, socket\n"
        f"    for act in (lambda: open({str(tmp_path / 'x')!r}, 'w'), socket.socket,\n"
        "                lambda: os.posix_spawn('/bin/true', ['true'], {})):\n"
        "        try:\n            act()\n        except OSError:\n            pass\n"
        "        else:\n            sys.exit(3)\n"
        "cleaner.clean = clean\ncleaner.main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0
    assert not (tmp_path / "x").exists()
    assert cleaner.MEMORY_BYTES > 10 * media.MAX_FILE_BYTES
