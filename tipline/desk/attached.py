"""
What a tip says of its files, in words: what became of each before it was sealed.

All of it is a claim of whoever sealed the tip, and its texts are made safe to print.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crypto.attachment import CLEANED, UNCLEANED, Attachment, Cleaning, Original
from crypto.tip import Tip
from tipline.cleaning.words import KIND_WORDS, REASON_WORDS
from tipline.language import Translate
from tipline.plain import make_printable_line

MAX_SHOWN_CHARACTERS: Final = 80  # a longer claim could wrap into a line that looks like ours

_KINDS: Final[Mapping[str, str]] = {str(kind): words for kind, words in KIND_WORDS.items()}
_REASONS: Final[Mapping[str, str]] = {str(reason): words for reason, words in REASON_WORDS.items()}


def describe_file(path: str, tip: Tip, *, translate: Translate) -> str:
    """
    Say of one of a tip's files what the tip says of it.

    Args:
        path: Inside the payload.
        tip: Its fields.
        translate: Looks a text up in the catalogue.

    Returns:
        One line that is safe to print; the path alone if the tip says nothing of it.
    """
    for attachment in tip.attachments:
        if path == attachment.path:
            return f"{path} {_describe_attachment(attachment, translate)}"
        if attachment.original is not None and path == attachment.original_path:
            return f"{path} {_describe_original(attachment.original, attachment.path, translate)}"
    return path


def _describe_attachment(attachment: Attachment, translate: Translate) -> str:
    _ = translate
    media_type = _shorten(attachment.media_type)
    if attachment.cleaning is None:
        name = _shorten(attachment.name or "")
        return _("(named {name}, {type})").format(name=name, type=media_type)
    return f"({media_type}; {describe_cleaning(attachment.cleaning, translate=_)})"


def describe_cleaning(cleaning: Cleaning, *, translate: Translate) -> str:
    """
    Say what became of a file before it was sealed.

    Args:
        cleaning: As the tip claims it.
        translate: Looks a text up in the catalogue.

    Returns:
        Words that are safe to print.
    """
    _ = translate
    if cleaning.state == CLEANED:
        kinds = ", ".join(_look_up(kind, _KINDS, _) for kind in cleaning.found)
        return _("cleaned, taken out: {kinds}").format(kinds=kinds)
    if cleaning.state == UNCLEANED:
        reason = _look_up(cleaning.reason or "", _REASONS, _)
        return _("NOT cleaned ({reason}); the source was told, and sent it all the same").format(
            reason=reason
        )
    return _("clean, nothing to take out was found")


def _describe_original(original: Original, path: str, translate: Translate) -> str:
    _ = translate
    return _(
        "(UNTOUCHED original of {path}, with all that was found; named {name}, {type})"
    ).format(
        path=path,
        name=_shorten(original.name),
        type=_shorten(original.media_type),
    )


def _shorten(untrusted: str) -> str:
    shown = make_printable_line(untrusted)
    return shown if len(shown) <= MAX_SHOWN_CHARACTERS else f"{shown[: MAX_SHOWN_CHARACTERS - 1]}…"


def _look_up(word: str, words: Mapping[str, str], translate: Translate) -> str:
    # A page of another version may know words that this one does not.
    return translate(words[word]) if word in words else make_printable_line(word)
