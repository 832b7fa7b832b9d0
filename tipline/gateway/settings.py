"""
`gateways.toml`, read strictly: over which gateways messages come, and to which channel they go.

Rules:
1. The file is optional: a line without it has no phones, and nothing else of it changes.
2. Every key but `companies` is required and none is unknown. What the operator did not write does
   not happen; a company that was not named is missed aloud, on the page `/accountability`.
3. Secrets lie in `keys/gateway-NAME`, readable by their owner alone; never in this file. Those by
   which a caller is believed, and which no company makes, are too long to be guessed.
4. A gateway of a company that reads every message says so: `accept_company = true`, or it is
   refused.
5. An error names the key and never its value.

docs/reference/gateways.md documents every key.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import phonenumbers

from crypto.errors import MalformedError
from crypto.secret import Secret
from retention.policy import find_line
from tipline.errors import ConfigurationError, InstanceError
from tipline.files import check_private
from tipline.gateway.companies import Company, parse_companies
from tipline.gateway.numbers import Spelling
from tipline.language import LANGUAGES

GATEWAYS_NAME: Final = "gateways.toml"
GATEWAYS_VERSION: Final = 1
MAX_GATEWAYS_BYTES: Final = 256 * 1024  # as the configuration
MAX_GATEWAYS: Final = 32  # a line with more needs another design
SECRETS_START: Final = "gateway-"  # in the folder of keys
MAX_SECRETS_BYTES: Final = 16 * 1024
MAX_VALUE_CHARACTERS: Final = 500
# Whoever calls can guess, as often as the machine answers. Of a made key, 64 bits in hex.
MIN_SECRET_CHARACTERS: Final = 16
KEYS_NAME: Final = "keys"  # of the instance; instance.py stands above this module

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_WORD = re.compile(r"[\x21-\x7e]{1,500}")


class Kind(enum.StrEnum):
    """What speaks on the other side."""

    GAMMU = "gammu"
    CAPCOM6 = "capcom6"
    KANNEL = "kannel"
    WEBHOOK = "webhook"
    TWILIO = "twilio"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    OPERATOR = "operator"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """
    Where the gateways' listener is: one of the two.

    Args:
        unix: A path, in the instance or absolute; None if there is a port.
        port: On 127.0.0.1; None if there is a path.
    """

    unix: str | None
    port: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """
    One gateway.

    Args:
        name: As the operator calls it; in paths and tips.
        kind: What speaks on the other side.
        channel: Of the keyset: whose readers its messages are sealed to.
        language: Of what is answered, and of tips.
        country: For numbers that come without their country, as two letters.
        notice: Whether the honest notice is sent.
        numbers: How it writes numbers without a plus; None if nobody said.
        accept_company: Whether the operator took it that a company reads every message.
        options: The kind's own keys (`OPTIONS`).
        companies: Those on the way that only the operator knows, as the operator named them.
    """

    name: str
    kind: Kind
    channel: str
    language: str
    country: str
    notice: bool
    accept_company: bool
    options: Mapping[str, str]
    companies: tuple[Company, ...] = ()
    numbers: Spelling | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    """
    What `gateways.toml` says.

    Args:
        listen: Where webhooks come in.
        gateways: By name, in the order of the file.
    """

    listen: Listen
    gateways: Mapping[str, GatewaySettings]


def parse_gateways(untrusted: bytes) -> Gateways:
    """
    Read a `gateways.toml`.

    Args:
        untrusted: TOML, in UTF-8.

    Returns:
        The gateways, complete.

    Raises:
        ConfigurationError: not TOML, or a key is missing, unknown or of another form.
    """
    if len(untrusted) > MAX_GATEWAYS_BYTES:
        raise ConfigurationError("gateways_toml", line=0)
    try:
        tree = tomllib.loads(untrusted.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError("gateways_toml", line=find_line(exc, untrusted)) from exc
    _check_keys(tree, ("version", "listen", "gateway"), prefix="")
    if type(tree["version"]) is not int or tree["version"] != GATEWAYS_VERSION:
        _wrong("version")
    tables = _table("gateway", tree["gateway"])
    if len(tables) > MAX_GATEWAYS:
        _wrong("gateway")
    return Gateways(
        listen=_parse_listen(_table("listen", tree["listen"])),
        gateways={name: _parse_gateway(name, table) for name, table in tables.items()},
    )


def load_gateways(directory: Path) -> Gateways | None:
    """
    Read an instance's `gateways.toml`.

    Args:
        directory: The instance.

    Returns:
        The gateways; None if the line has no phones.

    Raises:
        ConfigurationError: it does not hold.
    """
    try:
        untrusted = (directory / GATEWAYS_NAME).read_bytes()
    except FileNotFoundError:
        return None
    return parse_gateways(untrusted)


def load_secrets(directory: Path, settings: GatewaySettings) -> Mapping[str, Secret]:
    """
    Read a gateway's secrets: lines `name = "value"`, exactly those of its kind (`SECRETS`).

    Args:
        directory: The instance.
        settings: The gateway's.

    Returns:
        The secrets, by name.

    Raises:
        InstanceError: `gateway_secrets`: the file is missing, or not in its form;
            `gateway_secret_short`: one of them could be guessed.
        PermissionsError: others can read it.
    """
    names = SECRETS[settings.kind]
    if not names:
        return {}
    path = directory / KEYS_NAME / f"{SECRETS_START}{settings.name}"
    try:
        check_private(path)
        with path.open("rb") as file:
            tree = tomllib.loads(file.read(MAX_SECRETS_BYTES).decode("ascii"))
    except (FileNotFoundError, ValueError) as exc:
        # The parser's error quotes the line, which is a secret: neither it nor its cause goes on.
        raise InstanceError("gateway_secrets", path=str(path), names=", ".join(names)) from (
            exc if isinstance(exc, FileNotFoundError) else None
        )
    if set(tree) != set(names) or not all(
        isinstance(value, str) and _WORD.fullmatch(value) for value in tree.values()
    ):
        raise InstanceError("gateway_secrets", path=str(path), names=", ".join(names))
    for name in names:
        if name in GUESSED and len(tree[name]) < MIN_SECRET_CHARACTERS:
            facts: dict[str, str | int] = {"path": str(path), "name": name}
            raise InstanceError("gateway_secret_short", **facts, limit=MIN_SECRET_CHARACTERS)
    return {name: Secret(tree[name].encode("ascii")) for name in names}


def _parse_listen(table: Mapping[str, Any]) -> Listen:
    if set(table) == {"unix"}:
        return Listen(unix=_path("listen.unix", table["unix"]), port=None)
    if set(table) != {"port"}:
        _wrong("listen")
    port = table["port"]
    if type(port) is not int or not 1 <= port <= 65_535:
        _wrong("listen.port")
    return Listen(unix=None, port=port)


def _parse_gateway(name: str, value: Any) -> GatewaySettings:
    prefix = f"gateway.{name}."
    if not _NAME.fullmatch(name):
        _wrong(prefix.removesuffix("."))
    table = _table(prefix.removesuffix("."), value)
    if "kind" not in table:
        raise ConfigurationError("gateways_missing_key", key=f"{prefix}kind")
    kind = _kind(f"{prefix}kind", table["kind"])
    options = OPTIONS[kind]
    company = ("accept_company",) if kind in COMPANIES else ()
    named = tuple(key for key in ("companies", "numbers") if key in table)
    _check_keys(table, (*COMMON, *company, *named, *options), prefix=prefix)
    if kind in COMPANIES and table["accept_company"] is not True:
        raise ConfigurationError("gateway_company", key=f"{prefix}accept_company")
    if kind is Kind.WEBHOOK and table["notice"] is True and not table["send_url"]:
        _wrong(f"{prefix}notice")  # it would be said on the line's pages, and never be sent
    return GatewaySettings(
        name=name,
        kind=kind,
        channel=_name(f"{prefix}channel", table["channel"]),
        language=_language(f"{prefix}language", table["language"]),
        country=_country(f"{prefix}country", table["country"]),
        notice=_flag(f"{prefix}notice", table["notice"]),
        accept_company=kind in COMPANIES,
        options={key: read(prefix + key, table[key]) for key, read in options.items()},
        companies=_companies(f"{prefix}companies", table.get("companies", [])),
        numbers=_spelling(f"{prefix}numbers", table["numbers"]) if "numbers" in table else None,
    )


def _check_keys(table: Mapping[str, Any], keys: tuple[str, ...], *, prefix: str) -> None:
    for key in table:
        if key not in keys:
            raise ConfigurationError("gateways_unknown_key", key=prefix + key)
    for key in keys:
        if key not in table:
            raise ConfigurationError("gateways_missing_key", key=prefix + key)


def _table(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _wrong(key)
    return value


def _companies(key: str, value: Any) -> tuple[Company, ...]:
    try:
        return parse_companies(value, key)
    except MalformedError:
        _wrong(key)


def _kind(key: str, value: Any) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        _wrong(key)


def _spelling(key: str, value: Any) -> Spelling:
    try:
        return Spelling(value)
    except ValueError:
        _wrong(key)


def _name(key: str, value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        _wrong(key)
    return value


def _language(key: str, value: Any) -> str:
    if value not in LANGUAGES:
        _wrong(key)
    return str(value)


def _country(key: str, value: Any) -> str:
    if not isinstance(value, str) or value not in phonenumbers.SUPPORTED_REGIONS:
        _wrong(key)
    return value


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        _wrong(key)
    return value


def _path(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > MAX_VALUE_CHARACTERS:
        _wrong(key)
    # ".." would leave the directory that the operator reads here.
    if "\0" in value or ".." in Path(value).parts or Path(value) == Path():
        _wrong(key)
    return value


def _absolute(key: str, value: Any) -> str:
    path = _path(key, value)
    if not path.startswith("/"):
        _wrong(key)
    return path


def _word(key: str, value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        _wrong(key)
    return value


def _url(key: str, value: Any) -> str:
    url = _word(key, value)
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        _wrong(key)
    # A name and a password in it would be a secret in this file.
    if not is_one or parts.username is not None or parts.fragment:
        _wrong(key)
    return url


def _signed_url(key: str, value: Any) -> str:
    # As a company has it written down, with what it reads from the end; nobody calls it here.
    url, mark, end = _word(key, value).partition("#")
    return _url(key, url) + mark + end


def _optional(read: Callable[[str, Any], str]) -> Callable[[str, Any], str]:
    return lambda key, value: "" if value == "" else read(key, value)


def _wrong(key: str) -> NoReturn:
    raise ConfigurationError("gateways_wrong_value", key=key)


COMMON: Final = ("kind", "channel", "language", "country", "notice")

# Whose servers open every message before we get it, and whose customers the senders are.
COMPANIES: Final = frozenset({Kind.WHATSAPP, Kind.TELEGRAM})

OPTIONS: Final[Mapping[Kind, Mapping[str, Callable[[str, Any], str]]]] = {
    Kind.GAMMU: {"spool": _absolute},
    Kind.CAPCOM6: {"send_url": _url},
    Kind.KANNEL: {"send_url": _url, "from": _optional(_word)},
    Kind.WEBHOOK: {"send_url": _optional(_url)},
    Kind.TWILIO: {
        "public_url": _signed_url,
        "api_url": _url,
        "account_sid": _word,
        "from": _word,
    },
    Kind.WHATSAPP: {"api_url": _url, "phone_number_id": _word},
    Kind.TELEGRAM: {"api_url": _url},
    Kind.OPERATOR: {},
}
SECRETS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.GAMMU: (),
    Kind.CAPCOM6: ("signing_key", "user", "password"),
    Kind.KANNEL: ("inbound", "user", "password"),
    Kind.WEBHOOK: ("signing_key",),
    Kind.TWILIO: ("auth_token",),
    Kind.WHATSAPP: ("app_secret", "verify_token", "access_token"),
    Kind.TELEGRAM: ("secret_token", "bot_token"),
    Kind.OPERATOR: (),
}

# What stands between a stranger and the readers, and is made by us or by the operator. A company's
# own tokens have the company's length; user and password are ours towards the other side.
GUESSED: Final = frozenset({"signing_key", "inbound", "verify_token", "secret_token"})
