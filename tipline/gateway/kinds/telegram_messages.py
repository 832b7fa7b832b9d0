"""
What a message of Telegram's tells: words and files.

Rules:
1. Nothing that somebody told is left out, also of a kind that came after this was written: what is
   neither words nor a file is written as its fields.
2. What is only form (bold, a preview, the message that is answered) is left out: it was told before
   or says nothing.
3. A word that orders (STOP) stays alone: nothing that Telegram adds makes a message of it.
4. Every file counts once, wherever it stands; of a photo in several sizes the largest.

Source: Telegram's Bot API 10.3: Message, MessageEntity, PhotoSize, RichMessage, RichText.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tipline.gateway.batches import write_fields
from tipline.gateway.incoming import MAX_REFERENCES, MAX_TEXT_CHARACTERS, MediaReference
from tipline.gateway.keywords import find_order
from tipline.gateway.provider_json import take_list, take_object, take_text

UNKNOWN_TYPE: Final = "application/octet-stream"
# What a file is, by the name under which it stands, if Telegram does not say.
USUAL_TYPES: Final = {
    "animation": "video/mp4",
    "audio": "audio/mpeg",
    "live_photo": "video/mp4",
    "sticker": "image/webp",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "voice": "audio/ogg",
    "voice_note": "audio/ogg",
}
PHOTOS: Final = frozenset({"photo", "new_chat_photo"})  # a list: one photo in several sizes
PHOTO_TYPE: Final = "image/jpeg"
# Small pictures of a file, and messages that came before.
NO_FILES: Final = frozenset({"thumbnail", "cover", "reply_to_message", "pinned_message"})

# What stands around a message, and is told elsewhere in the tip or nowhere.
ENVELOPE: Final = frozenset({"message_id", "from", "chat", "date", "edit_date"})
# How something looks, or the conversation that we know already.
FORM: Final = frozenset(
    {
        "author_signature",
        "business_connection_id",
        "caption_entities",
        "direct_messages_topic",
        "effect_id",
        "entities",
        "ephemeral_message_id",
        "has_media_spoiler",
        "has_protected_content",
        "is_automatic_forward",
        "is_from_offline",
        "is_topic_message",
        "link_preview_options",
        "message_thread_id",
        "paid_star_count",
        "receiver_user",
        "reply_markup",
        "reply_to_checklist_task_id",
        "reply_to_message",
        "reply_to_poll_option_id",
        "sender_boost_count",
        "sender_business_bot",
        "sender_tag",
        "show_caption_above_media",
        "via_bot",
    }
)
# Written as words, by the functions below: what a message has, and what each of them has.
WORDS: Final[Mapping[str, frozenset[str]]] = {
    "caption": frozenset(),
    "contact": frozenset({"first_name", "last_name", "phone_number", "vcard"}),
    "location": frozenset(
        {
            "heading",
            "horizontal_accuracy",
            "latitude",
            "live_period",
            "longitude",
            "proximity_alert_radius",
        }
    ),
    "rich_message": frozenset({"blocks", "is_rtl"}),
    "text": frozenset(),
    "venue": frozenset(
        {
            "address",
            "foursquare_id",
            "foursquare_type",
            "google_place_id",
            "google_place_type",
            "location",
            "title",
        }
    ),
}

# Of rich messages: lists whose members stand in lines of their own, and what is only form.
RICH_LINES: Final = frozenset({"blocks", "items", "cells"})
RICH_FORM: Final = frozenset(
    {
        "align",
        "anchor_name",
        "custom_emoji_id",
        "language",
        "name",
        "reference_name",
        "type",
        "user",
        "valign",
    }
)

_TOLD: Final = object()  # stands for what is told as words or as a file


def read_words(message: dict[str, Any]) -> str:
    """
    Write what a message says as a text.

    Args:
        message: As Telegram lays it out; untrusted.

    Returns:
        Its words; whatever else it holds follows in lines of their own.
    """
    text = take_text(message, "text") or take_text(message, "caption")
    if find_order(text) is not None:
        return text
    parts = (
        text,
        *_list_links(message, text),
        *_read_place(message),
        *_read_contact(take_object(message, "contact")),
        take_text(take_object(message, "sticker"), "emoji"),
        _write_rich(take_object(message, "rich_message").get("blocks"), name="blocks"),
        _write_rest(message),
    )
    words = "\n".join(part for part in parts if part)
    if not words and not list_files(message):
        words = write_fields(message, without=ENVELOPE)
    if len(words) <= MAX_TEXT_CHARACTERS:
        return words
    return words[: MAX_TEXT_CHARACTERS - 1] + "…"


def list_files(message: dict[str, Any]) -> tuple[MediaReference, ...]:
    """
    List the files that belong to a message.

    Args:
        message: As Telegram lays it out; untrusted.

    Returns:
        Where each lies: the id that `getFile` takes.
    """
    found: dict[str, MediaReference] = {}
    for untrusted, media_type in _find_files(message, name="message"):
        file_id = take_text(untrusted, "file_id")
        # The same file has several ids, and one by which it can be known.
        known_by = take_text(untrusted, "file_unique_id") or file_id
        found.setdefault(known_by, MediaReference(location=file_id, media_type=media_type))
    return tuple(found.values())[:MAX_REFERENCES]


def _find_files(untrusted: Any, *, name: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(untrusted, list):
        if name in PHOTOS:
            sizes = [one for one in untrusted if take_text(one, "file_id")]
            if sizes:
                yield max(reversed(sizes), key=_count_pixels), PHOTO_TYPE
            return
        for one in untrusted:
            yield from _find_files(one, name=name)
    elif isinstance(untrusted, dict):
        if take_text(untrusted, "file_id"):
            told_type = take_text(untrusted, "mime_type")
            yield untrusted, told_type or USUAL_TYPES.get(name, UNKNOWN_TYPE)
        for inner, value in untrusted.items():
            # An animation is told twice: as itself, and as a document for older programs.
            if inner not in NO_FILES and not (inner == "document" and "animation" in untrusted):
                yield from _find_files(value, name=inner)


def _count_pixels(untrusted: dict[str, Any]) -> int:
    width, height = untrusted.get("width"), untrusted.get("height")
    return width * height if isinstance(width, int) and isinstance(height, int) else 0


def _list_links(message: dict[str, Any], text: str) -> Sequence[str]:
    """List addresses and accounts that stand behind words, and so not in the text."""
    links = []
    for entity in (*take_list(message, "entities"), *take_list(message, "caption_entities")):
        links.append(take_text(entity, "url"))
        if account := take_text(take_object(entity, "user"), "id"):
            links.append(f"tg://user?id={account}")  # as Telegram itself writes it
    return list(dict.fromkeys(link for link in links if link not in text))


def _read_place(message: dict[str, Any]) -> Iterator[str]:
    venue = take_object(message, "venue")
    # A venue's place is told twice: in it, and beside it for older programs.
    place = take_object(message, "location") or take_object(venue, "location")
    latitude, longitude = take_text(place, "latitude"), take_text(place, "longitude")
    if latitude and longitude:
        yield f"{latitude}, {longitude}"
    yield from (take_text(venue, "title"), take_text(venue, "address"))


def _read_contact(contact: dict[str, Any]) -> Iterator[str]:
    # A contact that somebody shares is what they want to tell.
    told = (take_text(contact, name) for name in ("first_name", "last_name", "phone_number"))
    yield " ".join(one for one in told if one)
    yield take_text(contact, "vcard")


def _write_rich(untrusted: Any, *, name: str, is_line: bool = False) -> str:
    if isinstance(untrusted, list):
        is_lines = name in RICH_LINES
        # A table's rows stand in a list of lists: cells beside each other.
        between = "\n" if is_lines else "\t" if is_line else ""
        parts = [_write_rich(one, name="", is_line=is_lines) for one in untrusted]
        return between.join(part for part in parts if part)
    if isinstance(untrusted, dict):
        if "file_id" in untrusted:
            return ""
        told = [
            _write_rich(value, name=inner)
            for inner, value in untrusted.items()
            if inner not in RICH_FORM
        ]
        return ("\n" if is_line else " ").join(dict.fromkeys(part for part in told if part))
    return take_text({name: untrusted}, name) if isinstance(untrusted, str) else ""


def _write_rest(message: dict[str, Any]) -> str:
    rest = {}
    for name, value in message.items():
        if name in ENVELOPE or name in FORM:
            continue
        if name == "quote" and "external_reply" not in message:
            continue  # of a message in this chat, which came before
        left = value
        if name in WORDS:
            told = WORDS[name]
            left = {
                inner: one for inner, one in take_object(message, name).items() if inner not in told
            } or _TOLD
        left = _leave_out_files(left)
        if left is not _TOLD:
            rest[name] = left
    return write_fields(rest) if rest else ""


def _leave_out_files(value: Any) -> Any:
    if isinstance(value, list):
        left = [one for one in map(_leave_out_files, value) if one is not _TOLD]
        return left if left or not value else _TOLD
    if isinstance(value, dict):
        if take_text(value, "file_id"):
            return _TOLD
        # A message within a message: who wrote to whom stands around it, too.
        around = ENVELOPE if {"message_id", "chat", "date"} <= value.keys() else ()
        kept = {name: _leave_out_files(one) for name, one in value.items() if name not in around}
        kept = {name: one for name, one in kept.items() if one is not _TOLD}
        return kept if kept or not value else _TOLD
    return value
