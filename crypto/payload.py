"""
A tip's payload as a whole: the tar and what its `tip.json` says of it must agree.

Rules:
    1. `text.txt` holds the bytes of `tip.json`'s text, so that a reader with age and tar alone
       reads what a reader with the desk reads.
    2. If `tip.json` lists attachments, it lists exactly the members of `files/`, in their order and
       with their lengths; and beside them exactly those of `originals/`.
"""

from __future__ import annotations

import dataclasses
from typing import BinaryIO

from crypto.errors import ForeignError, MalformedError, TooLargeError
from crypto.tar import PlacedMember, read_payload
from crypto.tip import Tip, parse_tip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TipPayload:
    """
    A payload that fits the profile.

    Args:
        tip: Its fields. They are claims of whoever sealed it.
        members: Its files, and where each stands.
    """

    tip: Tip
    members: tuple[PlacedMember, ...]


def read_tip_payload(untrusted: BinaryIO) -> TipPayload:
    """
    Judge a payload and read its `tip.json`.

    Args:
        untrusted: Seekable, the whole payload.

    Returns:
        The tip and where its files stand. The files' bytes are still untrusted.

    Raises:
        ForeignError: the tar or `tip.json` does not fit the profile, or they contradict each other.
    """
    members = read_payload(untrusted)
    fields, text = (_read_member(untrusted, member) for member in members[:2])
    try:
        tip = parse_tip(fields)
    except (MalformedError, TooLargeError) as exc:
        raise ForeignError("tip.json") from exc
    if tip.text.encode() != text:
        raise ForeignError("text")
    listed = [(a.path, a.size_bytes) for a in tip.attachments]
    listed += [(a.original_path, a.original.size_bytes) for a in tip.attachments if a.original]
    if tip.attachments and listed != [(m.name, m.size_bytes) for m in members[2:]]:
        raise ForeignError("attachments")
    return TipPayload(tip=tip, members=members)


def _read_member(untrusted: BinaryIO, member: PlacedMember) -> bytes:
    # Only for the two members whose length the profile bounds.
    untrusted.seek(member.offset)
    return untrusted.read(member.size_bytes)
