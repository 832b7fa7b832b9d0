"""
Who sent it: a number in one spelling, or what stands in a number's place.

Rules:
1. A number is E.164, so that the same phone is the same sender, however its gateway spells it.
   Mexico's old mobile mark goes: `+521...` is `+52...`, and so do its old long-distance marks.
2. A short code or a name stays what it is: it belongs to a service, and a name can be forged by
   whoever sends.
3. What is none of these is refused; nothing is guessed. Some digits without a plus are one phone's
   number as the country writes it, and another's with its country in front: unless the operator
   said which of the two the gateway means, they are refused, so that no answer goes to a stranger.
4. A word by which carriers say that the number is withheld (`WITHHELD`) is nobody's name: all who
   withhold theirs would be one sender, and a block of one would block them all.
5. Neither the text that came nor the address is in any `repr` or error.

Source: ITU-T E.164; `phonenumbers` (Google's libphonenumber) for the countries' rules; Mexico's
numbering plan of 3 August 2019 for the marks that went.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import unicodedata
from typing import Final

import phonenumbers

from crypto.errors import MalformedError

MAX_SENDER_CHARACTERS: Final = 64  # of any spelling; the longest number has 15 digits
MAX_NAME_CHARACTERS: Final = 32  # GSM allows 11; some providers more
MIN_SHORT_CODE_DIGITS: Final = 2
MAX_SHORT_CODE_DIGITS: Final = 8
# Case-folded. As switches and providers write it in the three languages, with accents and without.
WITHHELD: Final = frozenset(
    {
        "anonima",
        "anonimo",
        "anonymous",
        "anónima",
        "anónimo",
        "anônima",
        "anônimo",
        "blocked",
        "caller id blocked",
        "confidencial",
        "desconhecido",
        "desconocido",
        "hidden",
        "no caller id",
        "no number",
        "not available",
        "numero desconhecido",
        "numero desconocido",
        "numero oculto",
        "numero privado",
        "n/a",
        "número desconhecido",
        "número desconocido",
        "número oculto",
        "número privado",
        "oculto",
        "private",
        "private number",
        "privado",
        "restricted",
        "restrito",
        "restringido",
        "unavailable",
        "unknown",
        "unknown number",
        "withheld",
    }
)
_MEXICO: Final = 52
_DIGITS = re.compile(r"\+?[0-9]+")
_BETWEEN_DIGITS = re.compile(r"[ \u00a0().\-/]")
_ACCOUNT = re.compile(r"[A-Za-z0-9_.:@+-]{1,64}")
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,60}")
_MEXICAN_MOBILE = re.compile(r"\+521([0-9]{10})")
_MEXICAN_NATIONAL = re.compile(r"(?:044|045|01)([0-9]{10})")


class SenderKind(enum.StrEnum):
    """What an address is."""

    NUMBER = "number"
    SHORT_CODE = "short_code"
    NAME = "name"
    ACCOUNT = "account"


class Spelling(enum.StrEnum):
    """How a gateway writes numbers without a plus."""

    NATIONAL = "national"
    INTERNATIONAL = "international"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """
    Who sent a message.

    Args:
        kind: What the address is.
        address: In one spelling. Not in its `repr`.
    """

    kind: SenderKind
    address: str = dataclasses.field(repr=False)

    def can_be_answered(self) -> bool:
        """
        Tell whether anything that is sent there could arrive.

        Returns:
            False for a name: it is words, and belongs to whoever writes it.
        """
        return self.kind is not SenderKind.NAME

    def encode(self) -> bytes:
        """
        Write it for marks and pseudonyms.

        Returns:
            Kind and address: a name of digits is no short code.
        """
        return f"{self.kind}:{self.address}".encode()


def parse_sender(untrusted: str, region: str, *, spelling: Spelling | None = None) -> Sender:
    """
    Read who sent a message, as a phone's gateway names it.

    Args:
        untrusted: A number in any spelling, a short code or a name.
        region: The country whose numbers have no `+`: two capital letters.
        spelling: How numbers without `+` are meant; None if nobody said.

    Returns:
        The sender.

    Raises:
        MalformedError: none of these, two of them, or a word that says it is withheld.
    """
    if not 0 < len(untrusted) <= MAX_SENDER_CHARACTERS:
        raise MalformedError("sender")
    text = unicodedata.normalize("NFKC", untrusted).strip()
    digits = _BETWEEN_DIGITS.sub("", _make_digits_plain(text))
    if _DIGITS.fullmatch(digits):
        return _parse_digits(digits, region, spelling=spelling)
    if not (
        0 < len(text) <= MAX_NAME_CHARACTERS
        and text.isprintable()
        and any(one.isalpha() for one in text)
        and not text.startswith("+")
        and text.casefold() not in WITHHELD
    ):
        raise MalformedError("sender")
    return Sender(kind=SenderKind.NAME, address=text)


def parse_account(untrusted: str) -> Sender:
    """
    Read an account of a service that has no numbers.

    Args:
        untrusted: Its id, as the service gives it.

    Returns:
        The sender.

    Raises:
        MalformedError: not an id of plain characters.
    """
    if not _ACCOUNT.fullmatch(untrusted):
        raise MalformedError("sender")
    return Sender(kind=SenderKind.ACCOUNT, address=untrusted)


def parse_user_id(untrusted: str) -> Sender:
    """
    Read Meta's id of somebody on WhatsApp who keeps the number from businesses.

    Args:
        untrusted: A country's two letters, a dot, letters and digits.

    Returns:
        The sender: an account.

    Raises:
        MalformedError: not such an id, or longer than an account's may be.

    Source:
        Meta, "Business-scoped user IDs".
    """
    if not _USER_ID.fullmatch(untrusted):
        raise MalformedError("sender")
    return parse_account(untrusted)


def _make_digits_plain(text: str) -> str:
    # Of any script: a gateway in Arabic may send its own.
    return "".join(str(unicodedata.digit(one)) if one.isdecimal() else one for one in text)


def _parse_digits(digits: str, region: str, *, spelling: Spelling | None) -> Sender:
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if region == "MX" and (national := _MEXICAN_NATIONAL.fullmatch(digits)):
        digits = f"+{_MEXICO}{national[1]}"
    # Some providers leave the plus out.
    ways = [digits] if digits.startswith("+") else [digits, f"+{digits}"]
    if spelling is Spelling.INTERNATIONAL:
        ways.reverse()
    numbers = [number for one in ways if (number := _format_number(one, region)) is not None]
    if spelling is None and len(set(numbers)) > 1:
        raise MalformedError("sender")  # two phones
    if numbers:
        return Sender(kind=SenderKind.NUMBER, address=numbers[0])
    if not digits.startswith("+") and (
        MIN_SHORT_CODE_DIGITS <= len(digits) <= MAX_SHORT_CODE_DIGITS
    ):
        return Sender(kind=SenderKind.SHORT_CODE, address=digits)
    raise MalformedError("sender")


def _format_number(spelling: str, region: str) -> str | None:
    if mexican := _MEXICAN_MOBILE.fullmatch(spelling):
        spelling = f"+{_MEXICO}{mexican[1]}"
    try:
        number = phonenumbers.parse(spelling, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
