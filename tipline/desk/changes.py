"""What changes between the keyset in force and the one about to be signed, for a person's eye."""

from __future__ import annotations

from typing import Final

from crypto.keyset_fields import Channel, ChannelReader, Keyset, KeysetDraft, Reader
from tipline.language import Translate, TranslateCounted

_SHOWN_CHARACTERS: Final = 12  # a recipient has 1,959; its end is what can be compared by eye


def describe_changes(
    draft: KeysetDraft,
    *,
    previous: Keyset | None,
    translate: Translate,
    translate_counted: TranslateCounted,
) -> list[str]:
    """
    Say what signing would change.

    A keyset is what an attacker at the desk would want changed unnoticed, so a new key under an old
    name is named as loudly as a new reader.

    Args:
        draft: About to be signed.
        previous: In force until now, or None.
        translate: Looks a text up in the catalogue.
        translate_counted: The same, for a text in which a number stands.

    Returns:
        Lines for a person, at least one.
    """
    _, ngettext = translate, translate_counted
    days = (draft.valid_until - draft.valid_from).days + 1
    lines = [
        ngettext(
            "keyset {number}: valid from {first} to {last}, {count} day",
            "keyset {number}: valid from {first} to {last}, {count} days",
            days,
        ).format(
            number=1 if previous is None else previous.number + 1,
            first=draft.valid_from,
            last=draft.valid_until,
            count=days,
        )
    ]
    if previous is None:
        lines.append(_("this is the first keyset: nothing came before it"))
    readers_before = {} if previous is None else {r.id: r for r in previous.readers}
    channels_before = {} if previous is None else {c.id: c for c in previous.channels}
    lines += _describe_readers(draft, readers_before, translate=translate)
    lines += _describe_channels(draft, channels_before, translate=translate)
    if previous is not None and previous.service != draft.service:
        lines.append(_("changed: the service's key"))
    if previous is not None and previous.log != draft.log:
        lines.append(_("changed: the log's key"))
    lines += _describe_witnesses(draft, previous, translate=translate)
    if previous is not None and previous.onion != draft.onion:
        lines.append(
            _("the source's address is no longer in the keyset")
            if draft.onion is None
            else _("changed: the source's address")
        )
    if draft.answers != (None if previous is None else previous.answers):
        lines.append(
            _("answers by phone are no longer given")
            if draft.answers is None
            else _("answers by phone are sealed to the service's key {key}").format(
                key=draft.answers.format()[-_SHOWN_CHARACTERS:]
            )
        )
    if previous is not None and len(lines) == 1:
        lines.append(_("nothing else changes"))
    return lines


def describe_kept(
    draft: KeysetDraft, *, previous: Keyset | None, translate: Translate
) -> list[str]:
    """
    Say which address and which key for answers stay, since nobody has to name them again.

    Args:
        draft: About to be signed.
        previous: In force until now, or None.
        translate: Looks a text up in the catalogue.

    Returns:
        Lines for a person; none if there is nothing of it, or it changes.
    """
    _ = translate
    lines: list[str] = []
    if previous is None:
        return lines
    if draft.onion is not None and draft.onion == previous.onion:
        lines.append(_("stays: the source's address {onion}").format(onion=draft.onion))
    if draft.answers is not None and draft.answers == previous.answers:
        key = draft.answers.format()[-_SHOWN_CHARACTERS:]
        lines.append(
            _("stays: answers by phone are sealed to the service's key {key}").format(key=key)
        )
    return lines


def _describe_witnesses(
    draft: KeysetDraft, previous: Keyset | None, *, translate: Translate
) -> list[str]:
    _ = translate
    before = () if previous is None else previous.witnesses
    lines = [
        _("new witness: {name}").format(name=w.name) for w in draft.witnesses if w not in before
    ]
    lines += [
        _("removed witness: {name}").format(name=w.name) for w in before if w not in draft.witnesses
    ]
    if draft.quorum != (0 if previous is None else previous.quorum):
        lines.append(
            _("a checkpoint of the log needs {count} of its witnesses").format(count=draft.quorum)
        )
    return lines


def _describe_readers(
    draft: KeysetDraft, before: dict[str, Reader], *, translate: Translate
) -> list[str]:
    _ = translate
    lines = []
    for reader in draft.readers:
        facts = {"id": reader.id, "name": reader.name, "unit": reader.unit}
        earlier = before.pop(reader.id, None)
        if earlier is None:
            lines.append(_("new reader: {id}, {name}, {unit}").format(**facts))
            if reader.signing is not None:
                lines.append(_("reader {id}, {name}, may answer sources").format(**facts))
            continue
        if earlier.recipient != reader.recipient:
            lines.append(_("new key for reader {id}, {name}").format(**facts))
        if earlier.signing != reader.signing:
            lines.append(
                _("reader {id}, {name}, no longer answers sources").format(**facts)
                if reader.signing is None
                else _("new key for the answers of reader {id}, {name}").format(**facts)
            )
        if (earlier.name, earlier.unit, earlier.since_on) != (
            reader.name,
            reader.unit,
            reader.since_on,
        ):
            lines.append(_("changed: name, unit or first day of reader {id}").format(**facts))
    lines += [
        _("removed reader: {id}, {name}").format(id=r.id, name=r.name) for r in before.values()
    ]
    return lines


def _describe_channels(
    draft: KeysetDraft, before: dict[str, Channel], *, translate: Translate
) -> list[str]:
    _ = translate
    lines = []
    for channel in draft.channels:
        earlier = before.pop(channel.id, None)
        if earlier is None:
            lines.append(_("new channel: {id}").format(id=channel.id))
        elif (dict(earlier.names), earlier.categories) != (dict(channel.names), channel.categories):
            lines.append(_("changed: names or categories of channel {id}").format(id=channel.id))
        entries_before = {} if earlier is None else {e.reader: e for e in earlier.readers}
        lines += [
            _describe_entry(channel.id, entry, translate=translate)
            for entry in channel.readers
            if entries_before.pop(entry.reader, None) != entry
        ]
        lines += [
            _("channel {channel}: {reader} no longer reads").format(
                channel=channel.id, reader=reader
            )
            for reader in entries_before
        ]
    lines += [_("removed channel: {id}").format(id=channel) for channel in before]
    return lines


def _describe_entry(channel: str, entry: ChannelReader, *, translate: Translate) -> str:
    _ = translate
    if entry.until_on is None:
        text = _("channel {channel}: {reader} reads from {first} on")
    else:
        text = _("channel {channel}: {reader} reads from {first} to {last}")
    line = text.format(
        channel=channel, reader=entry.reader, first=entry.from_on, last=entry.until_on
    )
    if entry.optional:
        line += " " + _("(a source may leave this reader out)")
    return line
