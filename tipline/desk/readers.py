"""
`readers.toml`: who reads what, as the desk writes it down before signing.

Every key is required, but for those with a stated meaning of absence; an unknown one is an error
that names the key. docs/reference/readers.md documents every key.
"""

from __future__ import annotations

import dataclasses
import datetime
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from crypto.age.hybrid import HybridRecipient
from crypto.cosignature import WitnessVerifier
from crypto.errors import CryptoError
from crypto.keyset_fields import (
    LANGUAGES,
    READER_NAME_START,
    Category,
    Channel,
    ChannelReader,
    Reader,
)
from crypto.note import Verifier
from tipline.errors import ConfigurationError

MAX_READERS_BYTES: Final = 1 << 20
VERSION: Final = 1

T = TypeVar("T")
Witnesses = tuple[tuple[WitnessVerifier, ...], int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WrittenReaders:
    """
    What the desk wrote down.

    Args:
        readers: Everybody who opens something.
        channels: In the order in which a source sees them.
        witnesses: Who cosigns the log's checkpoints; may be nobody.
        quorum: How many of them a checkpoint needs; 0 with no witness.
    """

    readers: tuple[Reader, ...]
    channels: tuple[Channel, ...]
    witnesses: tuple[WitnessVerifier, ...]
    quorum: int


def parse_readers(untrusted: bytes) -> WrittenReaders:
    """
    Read `readers.toml`.

    Args:
        untrusted: TOML.

    Returns:
        What stands there. Whether it fits together, signing decides.

    Raises:
        ConfigurationError: it is not TOML, or a key is missing, unknown or wrong; names the key.
    """
    try:
        table = tomllib.loads(untrusted.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise ConfigurationError("readers_toml", reason="UTF-8") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError("readers_toml", reason=str(exc)) from exc
    top = _Table(table, "")
    top.take("version", _version)
    readers = top.take("reader", _tables(_reader))
    channels = top.take("channel", _tables(_channel))
    nobody: Witnesses = ((), 0)
    witnesses, quorum = top.take_or("witnesses", _witnesses, nobody)
    top.close()
    return WrittenReaders(readers=readers, channels=channels, witnesses=witnesses, quorum=quorum)


class _Table:
    """Takes a table's keys one by one, and knows which are left."""

    def __init__(self, value: Mapping[str, Any], path: str) -> None:
        self._left = dict(value)
        self._path = path

    def take(self, name: str, parse: Callable[[Any, str], T]) -> T:
        key = self._path + name
        if name not in self._left:
            raise ConfigurationError("readers_missing_key", key=key)
        return parse(self._left.pop(name), key)

    def take_or(self, name: str, parse: Callable[[Any, str], T], absent: T) -> T:
        return self.take(name, parse) if name in self._left else absent

    def key(self, name: str) -> str:
        return self._path + name

    def close(self) -> None:
        for name in self._left:
            raise ConfigurationError("readers_unknown_key", key=self._path + name)


def _wrong(key: str) -> ConfigurationError:
    return ConfigurationError("readers_wrong_value", key=key)


def _version(value: Any, key: str) -> int:
    if type(value) is not int or value != VERSION:
        raise _wrong(key)
    return value


def _words(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(key)
    return value


def _flag(value: Any, key: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key)
    return value


def _day(value: Any, key: str) -> datetime.date:
    # A datetime is a date to Python; a time of day would be dropped in silence.
    if type(value) is not datetime.date:
        raise _wrong(key)
    return value


def _day_or_none(value: Any, key: str) -> datetime.date | None:
    return _day(value, key)


def _recipient(value: Any, key: str) -> HybridRecipient:
    try:
        return HybridRecipient.parse(_words(value, key))
    except CryptoError as exc:
        raise ConfigurationError("readers_recipient", key=key) from exc


def _tables(parse: Callable[[_Table], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def parse_tables(value: Any, key: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _wrong(key)
        parsed = []
        for number, item in enumerate(value, start=1):
            if not isinstance(item, dict):
                raise _wrong(f"{key}[{number}]")
            table = _Table(item, f"{key}[{number}].")
            parsed.append(parse(table))
            table.close()
        return tuple(parsed)

    return parse_tables


def _names(value: Any, key: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise _wrong(key)
    table = _Table(value, f"{key}.")
    names = {language: table.take(language, _words) for language in LANGUAGES}
    table.close()
    return names


def _signing(value: Any, key: str) -> Verifier | None:
    try:
        return Verifier.parse(_words(value, key))
    except CryptoError as exc:
        raise _wrong(key) from exc


def _reader(table: _Table) -> Reader:
    reader_id = table.take("id", _words)
    signing = table.take_or("signing", _signing, None)
    if signing is not None and signing.name != READER_NAME_START + reader_id:
        raise _wrong(table.key("signing"))
    return Reader(
        id=reader_id,
        name=table.take("name", _words),
        unit=table.take("unit", _words),
        since_on=table.take("since", _day),
        recipient=table.take("recipient", _recipient),
        signing=signing,
    )


def _witnesses(value: Any, key: str) -> Witnesses:
    if not isinstance(value, dict):
        raise _wrong(key)
    table = _Table(value, f"{key}.")
    witnesses = table.take("keys", _witness_keys)
    quorum = table.take("quorum", _count)
    table.close()
    return witnesses, quorum


def _witness_keys(value: Any, key: str) -> tuple[WitnessVerifier, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong(key)
    keys = []
    for number, item in enumerate(value, start=1):
        try:
            keys.append(WitnessVerifier.parse(_words(item, f"{key}[{number}]")))
        except CryptoError as exc:
            raise _wrong(f"{key}[{number}]") from exc
    return tuple(keys)


def _count(value: Any, key: str) -> int:
    if type(value) is not int or value < 1:
        raise _wrong(key)
    return value


def _category(table: _Table) -> Category:
    return Category(id=table.take("id", _words), names=table.take("names", _names))


def _channel(table: _Table) -> Channel:
    return Channel(
        id=table.take("id", _words),
        names=table.take("names", _names),
        categories=table.take_or("category", _tables(_category), ()),
        readers=table.take("reader", _tables(_channel_reader)),
    )


def _channel_reader(table: _Table) -> ChannelReader:
    return ChannelReader(
        reader=table.take("reader", _words),
        from_on=table.take("from", _day),
        until_on=table.take_or("until", _day_or_none, None),
        optional=table.take("optional", _flag),
    )
