"""tipline.toml: every key required, none unknown, no value in an error."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from crypto.note import Signer
from tipline.configuration import (
    KEYS,
    SlotRootChoice,
    SlotSettings,
    load_configuration,
    parse_configuration,
)
from tipline.errors import ConfigurationError
from tipline.example import EXAMPLE, MEANINGS, format_configuration
from tipline.hints import HINTS

CANARY = "canary-value"
CLIENT = "A" * 52


def make_settings(**changes: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"root": Signer.generate("tipline-root").verifier().format()}
    for part in ("name", "emergency"):
        for language in ("en", "es", "pt"):
            settings[f"line.{part}.{language}"] = f"{part} {language}"
    return {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}


def write(settings: dict[str, Any]) -> bytes:
    return format_configuration(settings, translate=lambda text: text)


def test_configuration_when_complete_then_every_value_is_where_it_belongs() -> None:
    """What the operator wrote is what the program reads."""
    settings = make_settings(
        desk__clients=[f"descriptor:x25519:{CLIENT}"], onion__max_streams=7, nightly_hour=23
    )
    configuration = parse_configuration(write(settings))
    assert configuration.root.format() == settings["root"]
    assert configuration.name["es"] == "name es"
    assert configuration.emergency["pt"] == "emergency pt"
    assert configuration.desk_clients == (CLIENT,)
    assert configuration.onion.max_streams == 7
    assert configuration.nightly_hour == 23
    assert configuration.limits.open_uploads == EXAMPLE["limits.open_uploads"]


def test_configuration_when_the_slots_are_described_then_they_are_read() -> None:
    """Where the keys lie, what they are sealed under, and that both do not contradict."""
    settings = make_settings(
        slots__path="/keys/line", slots__mirror="mirror", slots__root="credential"
    )
    assert parse_configuration(write(settings)).slots == SlotSettings(
        path="/keys/line", mirror="mirror", root=SlotRootChoice.CREDENTIAL, volatile=False
    )
    with pytest.raises(ConfigurationError) as refused:
        write(make_settings(slots__root="tpm", slots__volatile=True))
    assert refused.value.facts == {"key": "slots.volatile"}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_configuration_when_a_key_is_missing_then_it_is_named(key: str) -> None:
    """No key has a default."""
    text = write(make_settings()).decode()
    table, _, name = key.rpartition(".")
    head, _, tail = text.partition(f"\n[{table}]\n") if table else ("", "", text)
    lines = tail.split("\n")
    index = next(i for i, line in enumerate(lines) if line.startswith(f"{name} = "))
    del lines[index]
    rest = "\n".join(lines)
    cut = f"{head}\n[{table}]\n{rest}" if table else rest
    with pytest.raises(ConfigurationError) as refused:
        parse_configuration(cut.encode())
    assert (refused.value.code, refused.value.facts) == ("configuration_missing_key", {"key": key})


@pytest.mark.parametrize("added", ["surprise = 1", "[line.surprise]\nx = 1", "[more]\ny = 2"])
def test_configuration_when_a_key_is_unknown_then_it_is_named(added: str) -> None:
    """A key we do not know is an error, since it would not happen."""
    text = write(make_settings()).decode()
    changed = f"{added}\n{text}" if added.startswith("surprise") else f"{text}\n{added}\n"
    with pytest.raises(ConfigurationError) as refused:
        parse_configuration(changed.encode())
    assert refused.value.code == "configuration_unknown_key"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 2),
        ("version", True),
        ("root", CANARY),
        ("root", 7),
        ("keyset_minimum", 0),
        ("nightly_hour", 24),
        ("slots.path", ""),
        ("slots.path", "."),
        ("slots.path", "../elsewhere"),
        ("slots.path", "a\0b"),
        ("slots.path", 7),
        ("slots.mirror", "x/../../y"),
        ("slots.mirror", "slots"),
        ("slots.root", "hsm"),
        ("slots.root", ""),
        ("slots.volatile", 0),
        ("desk.waiting_weeks", 0),
        ("desk.waiting_weeks", 521),
        ("mail.enabled", 1),
        ("mail.hour", 24),
        ("mail.language", "de"),
        ("mail.language", ["en"]),
        ("mail.server", "a b"),
        ("mail.server", "a\r\nDATA"),
        ("mail.port", 0),
        ("mail.tls", "ssl"),
        ("mail.authority", "../ca.pem"),
        ("mail.user", "a b"),
        ("mail.password_file", "../password"),
        ("mail.from", "nobody"),
        ("mail.from", "Desk <a@b.org>"),
        ("mail.to", "a@b.org"),
        ("mail.to", [""]),
        ("mail.to", ["a@b.org\nX: y"]),
        ("mail.to", [f"p{number}@b.org" for number in range(51)]),
        ("log_hour", -1),
        ("nightly_hour", CANARY),
        ("line.name.en", ""),
        ("line.name.en", "  "),
        ("line.name.en", "x" * 2001),
        ("line.emergency.pt", []),
        ("onion.tor", 7),
        ("onion.max_streams", 0),
        ("onion.proof_of_work_rate", 1.5),
        ("onion.test_only_torrc_lines", CANARY),
        ("onion.test_only_torrc_lines", [7]),
        ("onion.test_only_torrc_lines", [f"{CANARY}\nSocksPort 9050"]),
        ("desk.clients", [CANARY]),
        ("desk.clients", [CLIENT.lower()]),
        ("desk.clients", ["A" * 51 + "B"]),
        ("desk.clients", ["A" * 51]),
        ("limits.open_uploads", -1),
        ("limits.partial_bytes", 2**53),
        ("limits.idle_seconds", 0),
    ],
)
def test_configuration_when_a_value_is_wrong_then_its_key_is_named_and_not_the_value(
    key: str, value: Any
) -> None:
    """A value that cannot be is an error that names the key alone."""
    with pytest.raises(ConfigurationError) as refused:
        write({**make_settings(), key: value})
    assert (refused.value.code, refused.value.facts) == ("configuration_wrong_value", {"key": key})
    assert CANARY not in str(refused.value)


def test_configuration_when_not_toml_then_only_the_line_is_named() -> None:
    """A syntax error names its line, not what stands there."""
    with pytest.raises(ConfigurationError) as refused:
        parse_configuration(f"version = 1\nroot = {CANARY}\n".encode())
    assert (refused.value.code, refused.value.facts) == ("configuration_toml", {"line": 2})


@pytest.mark.parametrize("untrusted", [b"\xff", b"#" * (256 * 1024 + 1)])
def test_configuration_when_not_text_or_too_long_then_refused(untrusted: bytes) -> None:
    """What is not UTF-8 or far too long is refused as a whole."""
    with pytest.raises(ConfigurationError) as refused:
        parse_configuration(untrusted)
    assert refused.value.code == "configuration_toml"


def test_configuration_when_there_is_none_then_the_directory_is_named(tmp_path: Any) -> None:
    """A directory without a configuration is named."""
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(tmp_path)
    assert (refused.value.code, refused.value.facts) == (
        "configuration_missing",
        {"path": str(tmp_path)},
    )


def test_example_when_written_then_every_key_has_its_comment() -> None:
    """The file that init writes explains every key, each on the line before it."""
    assert set(MEANINGS) == set(KEYS)
    lines = write(make_settings()).decode().splitlines()
    for key, meaning in MEANINGS.items():
        name = key.rpartition(".")[2]
        assert any(
            line == f"# {meaning}" and lines[i + 1].startswith(f"{name} = ")
            for i, line in enumerate(lines)
        )


@pytest.mark.parametrize("text", ['say "no"', "back\\slash", "línea ñ ç", "\x7f", "a\tb"])
def test_example_when_a_text_has_special_characters_then_it_is_read_back(text: str) -> None:
    """Quotes, backslashes and accents survive writing and reading."""
    written = write(make_settings(**{"line.name.en": text}))
    assert tomllib.loads(written.decode())["line"]["name"]["en"] == text


MAIL = {
    "mail__enabled": True,
    "mail__server": "mail.example.org",
    "mail__from": "line@example.org",
    "mail__to": ["desk@example.org"],
}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"mail__server": ""}, "mail.server"),
        ({"mail__from": ""}, "mail.from"),
        ({"mail__to": []}, "mail.to"),
        ({"mail__user": "line"}, "mail.password_file"),
        ({"mail__password_file": "keys/mail"}, "mail.password_file"),
        (
            {"mail__user": "line", "mail__password_file": "keys/mail", "mail__tls": "none"},
            "mail.tls",
        ),
    ],
)
def test_mail_when_it_could_not_be_sent_or_would_show_its_password_then_its_key_is_named(
    changes: dict[str, Any], key: str
) -> None:
    """A mail that is on has all it needs, and a password never goes in clear."""
    with pytest.raises(ConfigurationError) as refused:
        write(make_settings(**MAIL) | {name.replace("__", "."): v for name, v in changes.items()})
    assert refused.value.facts == {"key": key}
    assert refused.value.code in HINTS


def test_mail_when_it_is_on_and_complete_then_it_is_read() -> None:
    """Every setting of the mail is where it belongs."""
    text = write(
        make_settings(**MAIL, mail__user="line", mail__password_file="keys/mail", mail__hour=7)
    )
    mail = parse_configuration(text).mail
    assert (mail.enabled, mail.hour, mail.sender) == (True, 7, "line@example.org")
    assert (mail.to, mail.password_file) == (("desk@example.org",), "keys/mail")
    assert not parse_configuration(write(make_settings())).mail.enabled
