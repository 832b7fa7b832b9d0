"""
What a provider's refusal means, by the code in its answer: its HTTP status does not tell.

Rules:
1. To too many calls, to a token that has ended and to a number that nobody has, Meta and Twilio
   may all answer 400, which says that the call itself is at fault. An answer of a desk's would end
   by it, though it can be sent an hour later, or as soon as the operator has mended the account.
2. What is not in a list here keeps its status. What cannot be read does, too.

Source: Meta, "Cloud API error codes" and "Graph API error handling"; Twilio, "Error and warning
dictionary".
"""

from __future__ import annotations

import re
from typing import Final

from crypto.errors import MalformedError
from tipline.gateway.provider_json import parse_provider_json, take_object, take_text

LATER: Final = 429  # RFC 6585: too many requests
AT_FAULT: Final = 400  # RFC 9110: the request itself
FORBIDDEN: Final = 403  # RFC 9110: who asks may not, whatever is asked

# Of Meta's. Too much at once, of one number or of all; or Meta is busy itself.
META_LATER: Final = frozenset(
    {1, 2, 4, 17, 32, 613, 80007, 130429, 131000, 131016, 131048, 131056, 131057, 133004, 133016}
)
# The token, the app's rights, the account, its money: what the operator mends.
META_ACCOUNT: Final = frozenset(
    {0, 3, 10, 102, 190, *range(200, 300), 368}
    | {130497, 131005, 131031, 131037, 131042, 131045, 133010}
)
# Of Twilio's. Too many calls, too long a queue.
TWILIO_LATER: Final = frozenset({14107, 20429, 21611, 30001})
# The token, the account, its money, the number it sends from, the countries it may send to.
TWILIO_ACCOUNT: Final = frozenset(
    {20003, 20005, 20008, 21212, 21408, 21603, 21606, 21608, 21659, 21660, 21661, 21701, 21703}
    | {30002}
)

_CODE = re.compile(r"[0-9]{1,9}")


def read_meta_status(status: int, untrusted: bytes) -> int:
    """
    Tell which status a refusal of Meta's means.

    Args:
        status: Of HTTP.
        untrusted: What Meta answered.

    Returns:
        429 for later, 403 for what the operator has to mend, else *status*.
    """
    code = take_text(take_object(_parse(untrusted), "error"), "code")
    return _judge(status, code, later=META_LATER, account=META_ACCOUNT)


def read_twilio_status(status: int, untrusted: bytes) -> int:
    """
    Tell which status a refusal of Twilio's means.

    Args:
        status: Of HTTP.
        untrusted: What Twilio answered.

    Returns:
        429 for later, 403 for what the operator has to mend, else *status*.
    """
    code = take_text(_parse(untrusted), "code")
    return _judge(status, code, later=TWILIO_LATER, account=TWILIO_ACCOUNT)


def _judge(status: int, code: str, *, later: frozenset[int], account: frozenset[int]) -> int:
    if not _CODE.fullmatch(code):
        return status
    if int(code) in later:
        return LATER
    return FORBIDDEN if int(code) in account and status == AT_FAULT else status


def _parse(untrusted: bytes) -> object:
    try:
        return parse_provider_json(untrusted)
    except MalformedError:
        return None
