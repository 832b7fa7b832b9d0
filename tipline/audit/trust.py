"""
Whom to believe: from keys that the auditor typed, or from the keyset that the desk root signed.

docs/reference/formats.md, "Keyset": only the fields that matter to the log are read here.
"""

from __future__ import annotations

import hashlib
from typing import Final

from tipline.audit.errors import AuditError, InputError, MalformedError
from tipline.audit.events import KeysetUsed
from tipline.audit.notes import LOG, WITNESS, Key, split_note
from tipline.audit.source import MAX_KEYSET_BYTES
from tipline.audit.strict import parse_object
from tipline.audit.verify import Trust

ROOT_NAME: Final = "tipline-root"
FIRST_LINE: Final = "tipline-keyset/v1\n"
MAX_WITNESSES: Final = 16


def make_trust(log: str, *, witnesses: list[str], quorum: int | None) -> Trust:
    """
    Believe keys that the auditor typed.

    Args:
        log: The log's verifier key.
        witnesses: Their verifier keys.
        quorum: How many must have signed; None: all of them.

    Returns:
        Whom to believe.

    Raises:
        InputError: a key is not one, or the quorum cannot be reached.
    """
    keys = tuple(parse_key(witness, type_=WITNESS) for witness in witnesses)
    needed = len(keys) if quorum is None else quorum
    if len(set(keys)) != len(keys) or not (1 if keys else 0) <= needed <= len(keys):
        raise InputError("quorum")
    return Trust(log=parse_key(log, type_=LOG), witnesses=keys, quorum=needed)


def read_trust(untrusted: bytes, *, root: str, log: str | None) -> Trust:
    """
    Believe what the desk root signed.

    Args:
        untrusted: The whole keyset.
        root: The desk root's verifier key, from paper.
        log: The log's verifier key, if the auditor knows it.

    Returns:
        Whom to believe.

    Raises:
        InputError: the keyset is not this root's, not in its format, or names another log.
    """
    key = parse_key(root, type_=LOG)
    try:
        text, signatures = split_note(untrusted, max_bytes=MAX_KEYSET_BYTES)
        signature = signatures.get((key.name, key.id))
        if key.name != ROOT_NAME or signature is None or not text.startswith(FIRST_LINE):
            raise MalformedError("keyset")
        key.check(text.encode(), signature)
        body = text.removeprefix(FIRST_LINE).removesuffix("\n")
        fields = parse_object(body.encode(), max_bytes=MAX_KEYSET_BYTES)
        named, witnesses, quorum = fields["log"], fields["witnesses"], fields["quorum"]
        if not isinstance(witnesses, list) or not all(
            isinstance(text, str) for text in (named, *witnesses)
        ):
            raise MalformedError("keyset")
        if type(quorum) is not int or len(witnesses) > MAX_WITNESSES or log not in (None, named):
            raise MalformedError("keyset")
        keyset = KeysetUsed.parse_state({**fields, "sha256": hashlib.sha256(untrusted).hexdigest()})
        trust = make_trust(named, witnesses=witnesses, quorum=quorum)
    except (AuditError, KeyError, TypeError, AttributeError) as exc:
        raise InputError("keyset") from exc
    return Trust(log=trust.log, root=root, witnesses=trust.witnesses, quorum=quorum, keyset=keyset)


def parse_key(text: str, *, type_: int) -> Key:
    """
    Read a key that a person typed.

    Args:
        text: The verifier key.
        type_: `LOG` or `WITNESS`.

    Returns:
        The key.

    Raises:
        InputError: it is not one.
    """
    try:
        return Key.parse(text, type_=type_)
    except MalformedError as exc:
        raise InputError("key") from exc
