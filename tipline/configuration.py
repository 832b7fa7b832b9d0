"""
`tipline.toml`, read strictly.

Every key is required and none is unknown: what the operator did not write does not happen.
An error names the key and never its value, so that it can be shown and kept.
docs/reference/configuration.md documents every key of `KEYS`; a test holds that.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from crypto.errors import CryptoError
from crypto.note import Verifier
from retention.policy import find_line
from tipline.errors import ConfigurationError
from tipline.language import LANGUAGES

CONFIGURATION_NAME: Final = "tipline.toml"
CONFIGURATION_VERSION: Final = 1
MAX_CONFIGURATION_BYTES: Final = 256 * 1024  # ours has 2 KiB; a larger file is not one
MAX_TEXT_CHARACTERS: Final = 2000  # a notice somebody in a hurry reads
MAX_NUMBER: Final = 2**53 - 1
CLIENT_KEY_BYTES: Final = 32  # X25519
CLIENT_KEY_START: Final = "descriptor:x25519:"  # of tor's own files
MAX_WAITING_WEEKS: Final = 520  # ten years, as long as anything is kept
MAX_MAIL_ADDRESSES: Final = 50  # more people are a list, which a mail server keeps
# Narrower than RFC 5321: what stands here goes into headers and into lines of SMTP.
WORD: Final = re.compile(r"[\x21-\x7e]{0,254}")
MAIL_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,189}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OnionSettings:
    """
    How the dedicated tor is run.

    Args:
        tor: The program, by path or by name.
        proof_of_work_rate: Requests a second that tor's queue lets through.
        proof_of_work_burst: Requests it lets through at once.
        max_streams: Streams a circuit may open; one more closes the circuit.
        test_only_torrc_lines: Lines added to the torrc: a private network in tests.
    """

    tor: str
    proof_of_work_rate: int
    proof_of_work_burst: int
    max_streams: int
    test_only_torrc_lines: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What one circuit may ask for, and what all of them together may hold.

    Args:
        requests_per_second: That a circuit earns.
        requests_burst: That a circuit may save up.
        open_uploads_per_circuit: Begun and not yet arrived.
        open_uploads: Of all circuits together.
        partial_bytes: On disk, of all begun uploads together. Text never counts here.
        disk_reserve_bytes: Below this much free space only text is taken.
        slices_in_memory: Slices of attachments that are received at the same time.
        texts_in_memory: Text envelopes that are received at the same time: a reserve of their own.
        idle_seconds: A request that sends nothing for so long is ended.
    """

    requests_per_second: int
    requests_burst: int
    open_uploads_per_circuit: int
    open_uploads: int
    partial_bytes: int
    disk_reserve_bytes: int
    slices_in_memory: int
    texts_in_memory: int
    idle_seconds: int


class SlotRootChoice(enum.StrEnum):
    """What the secrets in the slot file are sealed under."""

    NONE = "none"
    CREDENTIAL = "credential"
    TPM = "tpm"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlotSettings:
    """
    Where the secrets lie that can die.

    Args:
        path: The directory of the slot file, in the instance or absolute.
        mirror: The directory of its mirror on a second device; empty if there is none.
        root: What the secrets are sealed under.
        volatile: Whether the slot file lies in memory and is begun anew when it is lost.
    """

    path: str
    mirror: str
    root: SlotRootChoice
    volatile: bool


class MailTls(enum.StrEnum):
    """How the way to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """
    The daily mail to the staff, which says nothing.

    Args:
        enabled: Whether there is one.
        hour: When it is sent, in UTC.
        language: Of its words.
        server: The mail server's name or address.
        port: Of the mail server.
        tls: How the way there is protected.
        authority: A file with the certificate that the server's own is checked with; empty for
            those of the system.
        user: Of the mail server; empty if it asks for none.
        password_file: Where that user's password lies; empty if there is no user.
        sender: The address it comes from.
        to: The addresses it goes to.
    """

    enabled: bool
    hour: int
    language: str
    server: str
    port: int
    tls: MailTls
    authority: str
    user: str
    password_file: str
    sender: str
    to: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """
    One line's configuration.

    Args:
        root: The desk root that signs the keysets this line accepts.
        keyset_minimum: The lowest keyset number this line accepts.
        name: The line's name as sources read it, per language.
        emergency: That nobody reads at once, and whom to call in danger, per language.
        onion: The dedicated tor.
        desk_clients: X25519 public keys, in base32 as tor writes them, that may reach the desk's
            onion.
        desk_waiting_weeks: For how many weeks a tip may wait for a desk before doctor warns.
        limits: See there.
        slots: See there.
        mail: See there.
        nightly_hour: The hour, in UTC, of purge and rewrite.
        log_hour: The hour, in UTC, of the log's batch.
    """

    root: Verifier
    keyset_minimum: int
    name: Mapping[str, str]
    emergency: Mapping[str, str]
    onion: OnionSettings
    desk_clients: tuple[str, ...]
    desk_waiting_weeks: int
    limits: Limits
    slots: SlotSettings
    mail: MailSettings
    nightly_hour: int
    log_hour: int


def parse_configuration(untrusted: bytes) -> Configuration:
    """
    Read a configuration.

    Args:
        untrusted: TOML, in UTF-8.

    Returns:
        The configuration, complete.

    Raises:
        ConfigurationError: not TOML, or a key is missing, unknown or of another form.
    """
    if len(untrusted) > MAX_CONFIGURATION_BYTES:
        raise ConfigurationError("configuration_toml", line=0)
    try:
        tree = tomllib.loads(untrusted.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError("configuration_toml", line=find_line(exc, untrusted)) from exc
    given = _flatten(tree)
    for key in given:
        if key not in KEYS:
            raise ConfigurationError("configuration_unknown_key", key=key)
    for key in KEYS:
        if key not in given:
            raise ConfigurationError("configuration_missing_key", key=key)
    value = {key: read(key, given[key]) for key, read in KEYS.items()}
    return Configuration(
        root=value["root"],
        keyset_minimum=value["keyset_minimum"],
        name={language: value[f"line.name.{language}"] for language in LANGUAGES},
        emergency={language: value[f"line.emergency.{language}"] for language in LANGUAGES},
        onion=OnionSettings(**_section(value, "onion.")),
        desk_clients=value["desk.clients"],
        desk_waiting_weeks=value["desk.waiting_weeks"],
        limits=Limits(**_section(value, "limits.")),
        slots=_slots(value),
        mail=_mail(value),
        nightly_hour=value["nightly_hour"],
        log_hour=value["log_hour"],
    )


def load_configuration(directory: Path) -> Configuration:
    """
    Read an instance's configuration.

    Args:
        directory: The instance.

    Returns:
        The configuration, complete.

    Raises:
        ConfigurationError: there is none, or it does not hold.
    """
    try:
        untrusted = (directory / CONFIGURATION_NAME).read_bytes()
    except FileNotFoundError as exc:
        raise ConfigurationError("configuration_missing", path=str(directory)) from exc
    return parse_configuration(untrusted)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _section(value: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key[len(prefix) :]: entry for key, entry in value.items() if key.startswith(prefix)}


def _slots(value: Mapping[str, Any]) -> SlotSettings:
    settings = SlotSettings(**_section(value, "slots."))
    # A mirror in the same place is none.
    if settings.mirror and Path(settings.mirror) == Path(settings.path):
        _wrong("slots.mirror")
    # A root that survives what it seals: each start would leave one behind in the TPM.
    if settings.volatile and settings.root is SlotRootChoice.TPM:
        _wrong("slots.volatile")
    return settings


def _mail(value: Mapping[str, Any]) -> MailSettings:
    settings = _section(value, "mail.")
    mail = MailSettings(sender=settings.pop("from"), **settings)
    for key, needed in (("server", mail.server), ("from", mail.sender), ("to", mail.to)):
        if mail.enabled and not needed:
            raise ConfigurationError("configuration_mail", key=f"mail.{key}")
    if bool(mail.user) != bool(mail.password_file):
        _wrong("mail.password_file")
    # A password would be read on the way.
    if mail.user and mail.tls is MailTls.NONE:
        _wrong("mail.tls")
    return mail


def _wrong(key: str) -> NoReturn:
    raise ConfigurationError("configuration_wrong_value", key=key)


def _integer(low: int, high: int = MAX_NUMBER) -> Callable[[str, Any], int]:
    def read(key: str, value: Any) -> int:
        # bool is a kind of int in Python, not in a configuration.
        if type(value) is not int or not low <= value <= high:
            _wrong(key)
        return value

    return read


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT_CHARACTERS:
        _wrong(key)
    return value


def _path(*, empty: bool) -> Callable[[str, Any], str]:
    def read(key: str, value: Any) -> str:
        if empty and value == "":
            return ""
        text = _text(key, value)
        # ".." would leave the directory that the operator reads here.
        if "\0" in text or ".." in Path(text).parts or Path(text) == Path():
            _wrong(key)
        return text

    return read


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        _wrong(key)
    return value


def _slot_root(key: str, value: Any) -> SlotRootChoice:
    try:
        return SlotRootChoice(_text(key, value))
    except ValueError:
        _wrong(key)


def _mail_tls(key: str, value: Any) -> MailTls:
    try:
        return MailTls(_text(key, value))
    except ValueError:
        _wrong(key)


def _language(key: str, value: Any) -> str:
    if value not in LANGUAGES:
        _wrong(key)
    return str(value)


def _word(key: str, value: Any) -> str:
    # It goes into a line of SMTP: without spaces, without line ends.
    if not isinstance(value, str) or not WORD.fullmatch(value):
        _wrong(key)
    return value


def _address(key: str, value: Any) -> str:
    if not isinstance(value, str) or not (value == "" or MAIL_ADDRESS.fullmatch(value)):
        _wrong(key)
    return value


def _addresses(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_MAIL_ADDRESSES or "" in value:
        _wrong(key)
    return tuple(_address(key, address) for address in value)


def _lines(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        _wrong(key)
    if any("\n" in line or "\r" in line for line in value):
        _wrong(key)
    return tuple(value)


def _clients(key: str, value: Any) -> tuple[str, ...]:
    # As "tipline desk keygen --client" prints them, or without that start.
    keys = tuple(text.removeprefix(CLIENT_KEY_START) for text in _lines(key, value))
    for text in keys:
        try:
            decoded = base64.b32decode(text + "=" * (-len(text) % 8))
        except (binascii.Error, ValueError):
            _wrong(key)
        # Only the canonical spelling: tor compares texts.
        if len(decoded) != CLIENT_KEY_BYTES or base64.b32encode(decoded).decode()[:52] != text:
            _wrong(key)
    return keys


def _verifier(key: str, value: Any) -> Verifier:
    try:
        return Verifier.parse(_text(key, value))
    except CryptoError:
        _wrong(key)


KEYS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "version": _integer(CONFIGURATION_VERSION, CONFIGURATION_VERSION),
    "root": _verifier,
    "keyset_minimum": _integer(1),
    "nightly_hour": _integer(0, 23),
    "log_hour": _integer(0, 23),
    **{f"line.name.{language}": _text for language in LANGUAGES},
    **{f"line.emergency.{language}": _text for language in LANGUAGES},
    "onion.tor": _text,
    "onion.proof_of_work_rate": _integer(1, 10_000),
    "onion.proof_of_work_burst": _integer(1, 100_000),
    "onion.max_streams": _integer(1, 65_535),
    "onion.test_only_torrc_lines": _lines,
    "desk.clients": _clients,
    "desk.waiting_weeks": _integer(1, MAX_WAITING_WEEKS),
    "limits.requests_per_second": _integer(1),
    "limits.requests_burst": _integer(1),
    "limits.open_uploads_per_circuit": _integer(1),
    "limits.open_uploads": _integer(1),
    "limits.partial_bytes": _integer(0),
    "limits.disk_reserve_bytes": _integer(0),
    "limits.slices_in_memory": _integer(1, 4096),
    "limits.texts_in_memory": _integer(1, 65_536),
    "limits.idle_seconds": _integer(1, 3600),
    "slots.path": _path(empty=False),
    "slots.mirror": _path(empty=True),
    "slots.root": _slot_root,
    "slots.volatile": _flag,
    "mail.enabled": _flag,
    "mail.hour": _integer(0, 23),
    "mail.language": _language,
    "mail.server": _word,
    "mail.port": _integer(1, 65_535),
    "mail.tls": _mail_tls,
    "mail.authority": _path(empty=True),
    "mail.user": _word,
    "mail.password_file": _path(empty=True),
    "mail.from": _address,
    "mail.to": _addresses,
}
