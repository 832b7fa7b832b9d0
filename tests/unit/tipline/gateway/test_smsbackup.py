"""Messages as gammu-smsd writes them."""

from __future__ import annotations

import pytest

from crypto.errors import CryptoError
from tipline.gateway.incoming import Part
from tipline.gateway.smsbackup import MAX_BACKUP_BYTES, Section, parse_backup, read_part

NUMBER = "+525512345678"


def write_section(
    text: str, *, number: str = NUMBER, header: str = "", coding: str = "Unicode_No_Compression"
) -> str:
    """A section as gammu 1.42 writes it; its comments repeat the text."""
    units = text.encode("utf-16-be", "surrogatepass").hex().upper()
    lines = [
        "[SMSBackup000]",
        f"; {text.encode('utf-8', 'replace').decode()}",
        "PDU = Submit",
        "DateTime = 20261121T203038Z",
        f'Number = "{number}"',
        f"NumberUnicode = {number.encode('utf-16-be').hex().upper()}",
        'Name = ""',
        "NameUnicode = ",
        *([f"UDH = {header}"] if header else []),
        *(f"Text{at // 200:02} = {units[at : at + 200]}" for at in range(0, len(units), 200)),
        f"Coding = {coding}",
        "Length = 4",
        "",
    ]
    return "\n".join(lines) + "\n"


START = "; This file format was designed for Gammu\n\n"


@pytest.mark.parametrize("text", ["", "El puente", "ñandú áé \N{GRINNING FACE} fin", "x" * 160])
def test_backup_when_a_message_stands_in_it_then_it_is_read(text: str) -> None:
    """Sender and text are read from their lines of hex, not from the comments."""
    (section,) = parse_backup((START + write_section(text)).encode())
    assert section == Section(sender=NUMBER, text=text, part=None)


def test_backup_when_it_has_several_parts_then_each_is_read_with_its_place() -> None:
    """The user data header says which part it is; half a character survives."""
    first = write_section("a \ud83d", header="050003290201")
    second = write_section("\ude00 b", header="060804012A0202").replace("000]", "001]")
    sections = parse_backup((START + first + second).encode())
    assert [section.text for section in sections] == ["a \ud83d", "\ude00 b"]
    assert [section.part for section in sections] == [
        Part(reference="29", number=1, of=2),
        Part(reference="012a", number=2, of=2),
    ]


def test_backup_when_it_is_no_text_then_its_text_is_empty() -> None:
    """A notice of a picture is a message without text, from whom it is."""
    (section,) = parse_backup(write_section("beef", coding="8bit").encode())
    assert (section.sender, section.text) == (NUMBER, "")


@pytest.mark.parametrize(
    "untrusted",
    [
        "",
        "; nothing\n",
        "Coding = 8bit\n",
        "[SMSBackup000]\n",
        "[SMSBackup000]\nCoding = x\n",
        "[SMSBackup000]\nNumberUnicode = 0031\n",
        "[SMSBackup000]\nNumberUnicode = 0031\nNumberUnicode = 0032\nCoding = x\n",
        "[SMSBackup000]\nNumberUnicode = 003\nCoding = x\n",
        "[SMSBackup000]\nNumberUnicode = 00\nCoding = x\n",
        "[SMSBackup000]\nNumberUnicode = 0031\nText00 = 004\nCoding = x\n",
        "[SMSBackup000]\nNumberUnicode = 0031\nText01 = 0041\nCoding = x\n",
        "[SMSBackup000]\nNumberUnicode = 0031\nText00 = 00 41\nCoding = x\n",
        "[SMSBackup000]\nno such line\n",
        write_section("x", number="1" * 101),
        write_section("x" * 251),
        write_section("x", header="zz"),
        write_section("x" * 10).replace("[", "\ufeff["),
        "".join(write_section("x") for _ in range(256)),
    ],
)
def test_backup_when_it_is_not_in_its_form_then_it_is_refused(untrusted: str) -> None:
    """What is no message is an error, and quotes nothing."""
    with pytest.raises(CryptoError) as caught:
        parse_backup(untrusted.encode())
    assert caught.value.detail in {"sms backup", "utf-16", "hex"}


def test_backup_when_it_is_too_long_or_no_utf_8_then_it_is_refused() -> None:
    """Its length is bounded; a byte that is none is no reason to fail otherwise."""
    for untrusted in (b"\xff", b";" * (MAX_BACKUP_BYTES + 1)):
        with pytest.raises(CryptoError):
            parse_backup(untrusted)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("050003290201", Part(reference="29", number=1, of=2)),
        ("0b05040b8423f0000329ffff", Part(reference="29", number=255, of=255)),
        ("06050400000000", None),
        ("050003290101", None),
        ("050003290203", None),
        ("050003290200", None),
        *((untrusted, None) for untrusted in ("00", "00ff", "05", "0500", "020003", "04000329")),
        ("070003290201", None),
        ("0700032902012400", Part(reference="29", number=1, of=2)),
    ],
)
def test_header_when_it_names_no_possible_part_then_the_message_is_whole(
    header: str, part: Part | None
) -> None:
    """
    Other elements are passed over; a part that cannot be is ignored, as the standard says, and so
    is a header whose own lengths do not hold: the words behind it are somebody's.
    """
    assert read_part(header) == part


@pytest.mark.parametrize("header", ["xx", "0"])
def test_header_when_it_is_not_in_hex_then_it_is_refused(header: str) -> None:
    """No modem writes such a file."""
    with pytest.raises(CryptoError):
        read_part(header)
