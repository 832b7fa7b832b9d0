"""What the desk says of a tip's files."""

from __future__ import annotations

import pytest

from crypto.attachment import Attachment, Cleaning, Original
from crypto.tip import Tip
from tipline.desk.attached import describe_file

ORIGINAL = Original(name="IMG\x1b[2J_7.jpg", media_type="image/jpeg", size_bytes=9)


def attach(*, original: Original | None = None, **cleaning: object) -> Tip:
    """A tip with one file that was looked at before it was sealed."""
    attachment = Attachment(
        path="files/01.jpg",
        media_type="image/jpeg",
        size_bytes=5,
        cleaning=Cleaning(**{"rules": 1, **cleaning}),  # type: ignore[arg-type]
        original=original,
    )
    return Tip(text="a", attachments=(attachment,))


@pytest.mark.parametrize(
    ("tip", "line"),
    [
        (
            attach(state="cleaned", found=("place", "preview", "horoscope")),
            "files/01.jpg (image/jpeg; cleaned, taken out: place, preview picture, horoscope)",
        ),
        (attach(state="clean"), "files/01.jpg (image/jpeg; clean, nothing to take out was found)"),
        (
            attach(state="uncleaned", reason="unknown"),
            (
                "files/01.jpg (image/jpeg; NOT cleaned (files of this format cannot be cleaned"
                " here); the source was told, and sent it all the same)"
            ),
        ),
        (
            attach(state="uncleaned", reason="not-yet-known"),
            (
                "files/01.jpg (image/jpeg; NOT cleaned (not-yet-known); the source was told, and"
                " sent it all the same)"
            ),
        ),
        (Tip(text="a"), "files/01.jpg"),
    ],
)
def test_file_when_described_then_it_says_what_became_of_it(tip: Tip, line: str) -> None:
    """Kinds and reasons have words; those that this version does not know are told as they are."""
    assert describe_file("files/01.jpg", tip, translate=lambda text: text) == line


def test_original_when_described_then_it_is_marked_and_its_name_is_safe_to_print() -> None:
    """Nobody takes an untouched original for the cleaned file, and no name moves the cursor."""
    tip = attach(state="cleaned", found=("place",), original=ORIGINAL)

    assert describe_file("originals/01.jpg", tip, translate=lambda text: text) == (
        "originals/01.jpg (UNTOUCHED original of files/01.jpg, with all that was found;"
        " named IMG\\u{1b}[2J_7.jpg, image/jpeg)"
    )


def test_file_when_of_the_first_version_then_its_name_is_told() -> None:
    """What older pages sealed reads as before."""
    attachment = Attachment(path="files/01.a", media_type="x/y", size_bytes=1, name="a\u202eb")
    tip = Tip(text="a", attachments=(attachment,))

    assert describe_file("files/01.a", tip, translate=lambda text: text) == (
        "files/01.a (named a\\u{202e}b, x/y)"
    )


def test_claims_when_long_then_they_are_cut() -> None:
    """Words that a screen would wrap into a line of their own are not taken for ours."""
    media_type = "x/" + "y " * 40 + "the desk found nothing to take out"
    attachment = Attachment(path="files/01.a", media_type=media_type, size_bytes=1, name="n" * 500)
    said = describe_file("files/01.a", Tip(text="a", attachments=(attachment,)), translate=str)

    assert said == f"files/01.a (named {'n' * 79}…, {media_type[:79]}…)"
