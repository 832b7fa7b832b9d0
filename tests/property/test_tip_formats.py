"""What holds for every size, payload, tip, note, keyset and envelope head."""

from __future__ import annotations

import datetime
import functools
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from crypto.age.header import encode_header, read_header
from crypto.age.hybrid import HybridIdentity
from crypto.attachment import Attachment, Cleaning, Original
from crypto.envelope import HEADER_LEN, check_envelope_head, seal_tip
from crypto.errors import CryptoError, ForeignError, KeysetError
from crypto.keyset import sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.ladder import (
    CHUNK_LEN,
    MAX_ENVELOPE_BYTES,
    NONCE_LEN,
    RUNGS,
    TAG_LEN,
    TEXT_RUNG,
    choose_rung,
    payload_len_of,
)
from crypto.ladder import (
    HEADER_LEN as LADDER_HEADER_LEN,
)
from crypto.note import Signer, sign_note, verify_note
from crypto.secret import Secret
from crypto.tar import Member, find_faults, measure_payload, open_payload, read_payload
from crypto.tip import Days, Tip, format_tip, parse_tip

DAY = datetime.date(2026, 11, 21)
SIGNER = Signer(name="tipline-root", seed=Secret(bytes(range(32))))
SMALL = payload_len_of(RUNGS[1])


# --- the ladder -------------------------------------------------------------------------------


@given(st.integers(1, payload_len_of(MAX_ENVELOPE_BYTES)), st.booleans())
@example(payload_len_of(TEXT_RUNG), False)
@example(payload_len_of(TEXT_RUNG) + 1, False)
@example(payload_len_of(MAX_ENVELOPE_BYTES), True)
def test_length_when_any_then_it_meets_the_smallest_rung_exactly(
    length: int, has_attachments: bool
) -> None:
    """Padded to its rung's payload, every length makes an envelope of exactly that rung."""
    rung = choose_rung(length, has_attachments=has_attachments)
    payload_len = payload_len_of(rung)
    chunk_count = -(-payload_len // CHUNK_LEN)

    assert payload_len >= length
    assert payload_len + TAG_LEN * chunk_count + LADDER_HEADER_LEN + NONCE_LEN == rung
    smaller = [other for other in RUNGS[1 if has_attachments else 0 :] if other < rung]
    assert all(payload_len_of(other) < length for other in smaller)


# --- the tar ----------------------------------------------------------------------------------

bodies = st.binary(max_size=1500)
extensions = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=5)


@st.composite
def member_lists(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    """The two required members, some files, and originals of some of them."""
    files = draw(st.lists(st.tuples(extensions, bodies), max_size=5))
    members = [("tip.json", draw(bodies)), ("text.txt", draw(bodies))]
    members += [
        (f"files/{number:02}.{extension}", body)
        for number, (extension, body) in enumerate(files, start=1)
    ]
    for number in range(1, len(files) + 1):
        if draw(st.booleans()):
            members.append((f"originals/{number:02}.{draw(extensions)}", draw(bodies)))
    return members


def write(members: list[tuple[str, bytes]], *, length: int = SMALL) -> bytes:
    """Write a payload."""
    placed = [(Member(name=name, size_bytes=len(body)), body) for name, body in members]
    return open_payload(placed, payload_len=length).read()


def read(value: bytes) -> dict[str, bytes]:
    """Read a payload as the desk does."""
    members = read_payload(io.BytesIO(value))
    return {m.name: value[m.offset : m.offset + m.size_bytes] for m in members}


def unpack_with_python(value: bytes) -> dict[str, bytes]:
    """Unpack with Python's tarfile."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(value)) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None
            found[member.name] = stream.read()
    return found


def unpack_with_gnu_tar(value: bytes) -> dict[str, bytes]:
    """Unpack with the tar of the formats page."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "t.tar").write_bytes(value)
        (directory / "t").mkdir()
        subprocess.run(
            ["tar", "-x", "--no-same-owner", "-C", directory / "t", "-f", directory / "t.tar"],
            check=True,
            capture_output=True,
        )
        return {
            str(path.relative_to(directory / "t")): path.read_bytes()
            for path in (directory / "t").rglob("*")
            if path.is_file()
        }


@given(member_lists())
def test_payload_when_written_then_we_and_python_read_the_same(
    members: list[tuple[str, bytes]],
) -> None:
    """Names and bytes survive, for us and for an independent reader."""
    value = write(members)

    assert len(value) == SMALL
    assert read(value) == unpack_with_python(value) == dict(members)


@settings(max_examples=25, deadline=None)
@given(member_lists())
def test_payload_when_written_then_gnu_tar_unpacks_the_same(
    members: list[tuple[str, bytes]],
) -> None:
    """GNU tar makes the same files of it, with exit code 0."""
    assert unpack_with_gnu_tar(write(members)) == dict(members)


changes = st.lists(st.tuples(st.integers(0, 8191), st.integers(0, 255)), min_size=1, max_size=3)


@settings(max_examples=300, deadline=None)
@given(member_lists(), changes)
@example([("tip.json", b"a"), ("text.txt", b"b")], [(512, 65)])
@example([("tip.json", b"a"), ("text.txt", b"b")], [(0, 84)])
def test_payload_when_bytes_changed_then_what_is_accepted_has_one_meaning(
    members: list[tuple[str, bytes]], flips: list[tuple[int, int]]
) -> None:
    """Whatever our reader accepts, it would write again byte for byte, and others unpack alike."""
    changed = bytearray(write(members))
    for place, value in flips:
        changed[place] = value
    mutated = bytes(changed)
    try:
        found = read(mutated)
    except ForeignError:
        assert find_faults(io.BytesIO(mutated))
        return

    assert find_faults(io.BytesIO(mutated)) == ()
    assert write(list(found.items())) == mutated
    assert unpack_with_python(mutated) == found
    assert unpack_with_gnu_tar(mutated) == found


@given(st.binary(max_size=4096))
def test_payload_when_anything_comes_then_the_reader_answers(value: bytes) -> None:
    """No input makes the reader fail in another way than by refusing, and it always says why."""
    padded = value.ljust(SMALL, b"\0")
    for candidate in (value, padded):
        with pytest.raises(ForeignError):
            read_payload(io.BytesIO(candidate))
        assert find_faults(io.BytesIO(candidate))


@given(st.lists(st.integers(0, 10_000), max_size=10))
def test_measure_when_members_are_added_then_it_is_a_multiple_of_blocks(sizes: list[int]) -> None:
    """The tar before padding is whole blocks, two of them the end."""
    measured = measure_payload(sizes)

    assert measured % 512 == 0
    assert measured >= sum(sizes) + 512 * len(sizes) + 1024


# --- tip.json ---------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
known = {"version", *Tip.__dataclass_fields__}
unknowns = st.dictionaries(texts.filter(lambda name: name not in known), json_values, max_size=3)
days = st.tuples(st.dates(), st.dates()).map(lambda pair: Days(from_on=min(pair), to_on=max(pair)))

sizes = st.integers(0, 2**53 - 1)
rules_words = st.from_regex(r"[a-z-]{1,32}", fullmatch=True)
attachment_fields: dict[str, st.SearchStrategy[Any]] = {
    "path": st.integers(1, 99).map(lambda number: f"files/{number:02}.jpg"),
    "media_type": texts,
    "size_bytes": sizes,
    "unknown": st.dictionaries(
        texts.filter(lambda name: name not in {"type", *Attachment.__dataclass_fields__}),
        json_values,
        max_size=2,
    ),
}
cleanings = st.one_of(
    st.builds(
        Cleaning,
        state=st.just("cleaned"),
        rules=st.integers(1, 9),
        found=st.lists(rules_words, min_size=1, max_size=5, unique=True).map(tuple),
    ),
    st.builds(Cleaning, state=st.just("clean"), rules=st.integers(1, 9)),
    st.builds(Cleaning, state=st.just("uncleaned"), rules=st.integers(1, 9), reason=rules_words),
)
attachments = st.one_of(
    st.builds(Attachment, name=texts, **attachment_fields),
    st.builds(
        Attachment,
        cleaning=cleanings,
        original=st.none() | st.builds(Original, name=texts, media_type=texts, size_bytes=sizes),
        **attachment_fields,
    ),
)


@given(
    st.builds(
        Tip,
        text=texts,
        channel=st.none() | st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
        keyset=st.none() | st.integers(0, 2**53 - 1),
        language=st.none() | st.sampled_from(["en", "es", "pt"]),
        kind=st.none() | st.sampled_from(["report", "proposal", "good_deed"]),
        place=st.none() | texts,
        days=st.none() | days,
        danger=st.none() | st.booleans(),
        attachments=st.lists(
            attachments,
            unique_by=lambda attachment: attachment.path,
            max_size=3,
        ).map(tuple),
        unknown=unknowns,
    )
)  # fmt: skip
def test_tip_when_written_then_every_field_survives(tip: Tip) -> None:
    """Known and unknown fields come back, and writing again gives the same bytes."""
    written = format_tip(tip)

    assert parse_tip(written) == tip
    assert format_tip(parse_tip(written)) == written


@given(st.dictionaries(texts, json_values, max_size=4))
def test_tip_when_any_object_comes_then_it_is_read_or_refused(fields: dict[str, Any]) -> None:
    """An object is read with all its values, or refused; nothing is dropped."""
    value = {"version": 1, "text": "a", **fields}
    try:
        tip = parse_tip(json.dumps(value).encode())
    except CryptoError:
        return

    assert json.loads(format_tip(tip)) == value


# --- notes and keysets ------------------------------------------------------------------------


@functools.cache
def make_keyset() -> bytes:
    """A keyset, signed once."""
    reader = Reader(
        id="ana",
        name="Ana",
        unit="Investigations",
        since_on=DAY,
        recipient=HybridIdentity(Secret(bytes(32))).recipient(),
    )
    entry = ChannelReader(reader="ana", from_on=DAY, until_on=None, optional=False)
    channel = Channel(
        id="works",
        names=dict.fromkeys(("en", "es", "pt"), "Works"),
        categories=(),
        readers=(entry,),
    )
    draft = KeysetDraft(
        valid_from=DAY,
        valid_until=DAY,
        service=Signer(name="tipline-service", seed=Secret(bytes(32))).verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        readers=(reader,),
        channels=(channel,),
    )
    return sign_keyset(draft, signer=SIGNER, today=DAY)


mutations = st.tuples(
    st.sampled_from(["change", "insert", "remove"]), st.floats(0, 1), st.integers(0, 255)
)


def mutate(value: bytes, mutation: tuple[str, float, int]) -> bytes:
    """Change, insert or remove one byte somewhere."""
    kind, where, byte = mutation
    place = min(int(where * len(value)), len(value) - 1)
    rest = value[place + 1 :] if kind in ("change", "remove") else value[place:]
    return value[:place] + (b"" if kind == "remove" else bytes([byte])) + rest


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40), mutations)
@example("", ("insert", 1.0, 10))
@example("a\u2028b", ("change", 0.0, 98))
def test_note_when_one_byte_changes_then_it_is_refused(
    text: str, mutation: tuple[str, float, int]
) -> None:
    """A note has one spelling: no other bytes carry its signature."""
    note = sign_note(text + "\n", SIGNER)
    assert verify_note(note, SIGNER.verifier()) == text + "\n"
    changed = mutate(note, mutation)
    assume(changed != note)

    with pytest.raises(CryptoError):
        verify_note(changed, SIGNER.verifier())


@settings(deadline=None)
@given(mutations)
@example(("insert", 1.0, 10))
@example(("insert", 0.0, 10))
def test_keyset_when_one_byte_changes_then_it_is_refused(mutation: tuple[str, float, int]) -> None:
    """A keyset has one spelling: no other bytes verify."""
    note = make_keyset()
    changed = mutate(note, mutation)
    assume(changed != note)

    with pytest.raises(KeysetError):
        verify_keyset(changed, root=SIGNER.verifier(), today=DAY)


# --- the envelope -----------------------------------------------------------------------------


@functools.cache
def make_envelope() -> bytes:
    """A text tip, sealed once."""
    recipients = [HybridIdentity(Secret(bytes([n]) * 32)).recipient() for n in range(8)]
    sealed = io.BytesIO()
    seal_tip(sealed, tip=Tip(text="a"), recipients=recipients)
    return sealed.getvalue()


@given(st.integers(0, HEADER_LEN - 1), st.integers(0, 255))
@example(HEADER_LEN - 2, ord("B"))
@example(22 + 18 + 1493, ord("B"))
def test_head_when_a_byte_changes_then_what_is_accepted_has_one_spelling(
    place: int, value: int
) -> None:
    """Whatever head the check accepts, age's own reader reads and writes again byte for byte."""
    head = bytearray(make_envelope()[:HEADER_LEN])
    head[place] = value
    try:
        check_envelope_head(bytes(head), size_bytes=TEXT_RUNG)
    except CryptoError:
        return

    assert encode_header(read_header(io.BytesIO(bytes(head)))) == bytes(head)
