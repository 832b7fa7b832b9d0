"""`gateways.toml` and the files of secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crypto.secret import Secret
from tests.service.phones import KEY, format_gateways, make_gateway
from tipline.errors import ConfigurationError, InstanceError, PermissionsError
from tipline.gateway.making import MAKERS
from tipline.gateway.numbers import Spelling
from tipline.gateway.settings import (
    COMPANIES,
    MAX_GATEWAYS_BYTES,
    MIN_SECRET_CHARACTERS,
    OPTIONS,
    SECRETS,
    GatewaySettings,
    Kind,
    Listen,
    load_gateways,
    load_secrets,
    parse_gateways,
)
from tipline.hints import HINTS
from tipline.messages import ERRORS

UNIX = {"unix": "run/gateway"}
VALUES = {
    "spool": "/run/phones",
    "send_url": "https://phone.invalid/messages",
    "api_url": "https://api.invalid",
    "public_url": "https://line.invalid/twilio",
    "from": "7373",
    "account_sid": "AC1",
    "phone_number_id": "123",
}


def make_table(kind: Kind) -> dict[str, Any]:
    """A complete table of a kind."""
    company = {"accept_company": True} if kind in COMPANIES else {}
    return make_gateway(kind.value, **{key: VALUES[key] for key in OPTIONS[kind]}, **company)


def parse(listen: dict[str, Any], **tables: Any) -> Any:
    """Parse what is written."""
    return parse_gateways(format_gateways(listen, **tables).encode())


@pytest.mark.parametrize("kind", list(Kind))
def test_gateway_when_it_is_complete_then_it_is_read(kind: Kind) -> None:
    """Every kind has its keys, its secrets and somebody who makes it."""
    settings = parse(UNIX, one=make_table(kind)).gateways["one"]
    assert settings == GatewaySettings(
        name="one",
        kind=kind,
        channel="city",
        language="es",
        country="MX",
        notice=False,
        accept_company=kind in COMPANIES,
        options={key: VALUES[key] for key in OPTIONS[kind]},
    )
    assert kind in SECRETS
    assert kind in MAKERS


@pytest.mark.parametrize("kind", list(Kind))
def test_gateway_when_a_key_is_missing_then_it_is_named(kind: Kind) -> None:
    """Nothing is guessed."""
    whole = make_table(kind)
    for missing in whole:
        with pytest.raises(ConfigurationError) as caught:
            parse(UNIX, one={key: value for key, value in whole.items() if key != missing})
        assert caught.value.code == "gateways_missing_key"
        assert caught.value.facts == {"key": f"gateway.one.{missing}"}


def test_gateway_when_it_says_how_it_writes_numbers_then_that_is_read() -> None:
    """It may be left out; another word is refused."""
    table = make_table(Kind.KANNEL)
    assert parse(UNIX, one=table).gateways["one"].numbers is None
    for spelling in Spelling:
        read = parse(UNIX, one=table | {"numbers": spelling.value}).gateways["one"].numbers
        assert read is spelling
    with pytest.raises(ConfigurationError) as caught:
        parse(UNIX, one=table | {"numbers": "local"})
    assert caught.value.facts == {"key": "gateway.one.numbers"}


def test_gateway_when_it_cannot_send_then_it_promises_no_notice() -> None:
    """What the line's pages would say, and nobody would get, is refused at the start."""
    table = make_table(Kind.WEBHOOK) | {"send_url": ""}
    assert not parse(UNIX, one=table).gateways["one"].notice
    assert parse(UNIX, one=make_table(Kind.WEBHOOK) | {"notice": True}).gateways["one"].notice
    with pytest.raises(ConfigurationError) as caught:
        parse(UNIX, one=table | {"notice": True})
    assert caught.value.facts == {"key": "gateway.one.notice"}


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"kind": "fax"}, "gateway.one.kind"),
        ({"kind": 1}, "gateway.one.kind"),
        ({"channel": "City"}, "gateway.one.channel"),
        ({"language": "de"}, "gateway.one.language"),
        ({"country": "mx"}, "gateway.one.country"),
        ({"country": "XX"}, "gateway.one.country"),
        ({"country": 52}, "gateway.one.country"),
        ({"notice": 1}, "gateway.one.notice"),
        ({"send_url": "ftp://x.invalid"}, "gateway.one.send_url"),
        ({"send_url": "https://"}, "gateway.one.send_url"),
        ({"send_url": "https://user:secret@x.invalid"}, "gateway.one.send_url"),
        ({"send_url": "https://x.invalid/#a"}, "gateway.one.send_url"),
        ({"send_url": "https://x.invalid:0/"}, "gateway.one.send_url"),
        ({"send_url": "https://x.invalid:99999/"}, "gateway.one.send_url"),
        ({"send_url": "https://x.invalid/a b"}, "gateway.one.send_url"),
        ({"send_url": "https://[x"}, "gateway.one.send_url"),
        ({"send_url": ["x"]}, "gateway.one.send_url"),
    ],
)
def test_gateway_when_a_value_is_wrong_then_its_key_is_named_and_not_the_value(
    changed: dict[str, Any], key: str
) -> None:
    """An error can be shown and kept: it holds no value."""
    with pytest.raises(ConfigurationError) as caught:
        parse(UNIX, one={**make_table(Kind.WEBHOOK), **changed})
    assert (caught.value.code, caught.value.facts) == ("gateways_wrong_value", {"key": key})


@pytest.mark.parametrize("end", ["", "#", "#rc=5&rp=all"])
def test_public_address_when_it_says_how_often_to_try_then_that_stays_in_it(end: str) -> None:
    """Twilio reads the end of the address that it has; what else is wrong stays wrong."""
    table = {**make_table(Kind.TWILIO), "public_url": f"https://line.invalid/sms{end}"}
    settings = parse(UNIX, one=table).gateways["one"]
    assert settings.options["public_url"] == table["public_url"]
    for wrong in (f"ftp://line.invalid{end}", f"https://a:b@line.invalid{end}", f"{end} "):
        with pytest.raises(ConfigurationError, match="gateways_wrong_value"):
            parse(UNIX, one={**table, "public_url": wrong})


@pytest.mark.parametrize(
    "spool", ["run/phones", "/run/../etc", "", "/a\\u0000b", 1, "/" + "x" * 500]
)
def test_spool_when_it_is_no_plain_absolute_path_then_it_is_refused(spool: Any) -> None:
    """A spool lies outside the instance, at a place that the operator reads here."""
    table = format_gateways(UNIX, one={**make_table(Kind.GAMMU), "spool": "@"})
    written = f'"{spool}"' if isinstance(spool, str) else str(spool)
    with pytest.raises(ConfigurationError, match="gateways_wrong_value"):
        parse_gateways(table.replace('"@"', written).encode())


def test_gateway_when_a_key_is_unknown_then_it_is_named() -> None:
    """A secret that was written here by mistake is refused with its key."""
    with pytest.raises(ConfigurationError) as caught:
        parse(UNIX, one={**make_table(Kind.WEBHOOK), "signing_key": "hush"})
    assert caught.value.code == "gateways_unknown_key"
    assert caught.value.facts == {"key": "gateway.one.signing_key"}


@pytest.mark.parametrize("kind", sorted(COMPANIES))
@pytest.mark.parametrize("given", [False, 1, "true"])
def test_company_when_nobody_accepts_it_then_it_is_refused(kind: Kind, given: Any) -> None:
    """What a company reads is taken only if the operator said so."""
    with pytest.raises(ConfigurationError, match="gateway_company"):
        parse(UNIX, one={**make_table(kind), "accept_company": given})


def test_company_when_there_is_none_then_it_cannot_be_accepted() -> None:
    """The key belongs to the kinds that have a company."""
    with pytest.raises(ConfigurationError, match="gateways_unknown_key"):
        parse(UNIX, one={**make_table(Kind.WEBHOOK), "accept_company": True})


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ({"unix": "run/gateway"}, Listen(unix="run/gateway", port=None)),
        ({"port": 8099}, Listen(unix=None, port=8099)),
    ],
)
def test_listen_when_it_is_one_of_the_two_then_it_is_read(
    listen: dict[str, Any], expected: Listen
) -> None:
    """A socket of our own account, or a port of loopback."""
    assert parse(listen, one=make_table(Kind.WEBHOOK)).listen == expected


@pytest.mark.parametrize(
    "listen",
    [
        {},
        {"unix": "run/gateway", "port": 8099},
        {"host": "0.0.0.0"},
        {"unix": ""},
        {"unix": "../gateway"},
        {"unix": "."},
        {"unix": 1},
        {"port": 0},
        {"port": 65_536},
        {"port": True},
        {"port": "8099"},
    ],
)
def test_listen_when_it_is_anything_else_then_it_is_refused(listen: dict[str, Any]) -> None:
    """No other address can be written."""
    with pytest.raises(ConfigurationError) as caught:
        parse(listen, one=make_table(Kind.WEBHOOK))
    assert str(caught.value.facts["key"]).startswith("listen")


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"version = 2\n[listen]\nport = 1\n[gateway]\n",
        b"version = true\n[listen]\nport = 1\n[gateway]\n",
        b"version = 1\nlisten = 1\n[gateway]\n",
        b"version = 1\ngateway = 1\n[listen]\nport = 1\n",
        b"version = 1\n[listen]\nport = 1\n[gateway]\nx = 1\n",
        b'version = 1\n[listen]\nport = 1\n[gateway."A b"]\nkind = "gammu"\n',
        b"version = 1\n[listen]\nport = 1\n[gateway]\n[more]\n",
        b"\xff",
        b"version = ",
        b"#" * (MAX_GATEWAYS_BYTES + 1),
        b"version = 1\n[listen]\nport = 1\n" + b"".join(b"[gateway.g%d]\n" % n for n in range(33)),
    ],
)
def test_file_when_it_is_not_in_its_form_then_it_is_refused(untrusted: bytes) -> None:
    """Not TOML, another version, or what is no table."""
    with pytest.raises(ConfigurationError):
        parse_gateways(untrusted)


@pytest.mark.parametrize("name", ["HOOK", "a b", "x" * 33])
def test_gateway_when_its_name_is_none_then_it_is_named(name: str) -> None:
    """Whoever reads the error finds the table."""
    with pytest.raises(ConfigurationError) as caught:
        parse_gateways(
            f'version = 1\n[listen]\nport = 1\n[gateway."{name}"]\nkind = "gammu"\n'.encode()
        )
    assert caught.value.facts == {"key": f"gateway.{name}"}
    assert str(ERRORS[caught.value.code]).startswith("gateways.toml: ")
    assert "docs/reference/gateways.md" in str(HINTS[caught.value.code])


def test_file_when_it_is_not_there_then_the_line_has_no_phones(tmp_path: Path) -> None:
    """The file is optional, and read where the instance is."""
    assert load_gateways(tmp_path) is None
    written = format_gateways(UNIX, one=make_table(Kind.WEBHOOK))
    (tmp_path / "gateways.toml").write_text(written)
    assert load_gateways(tmp_path) == parse_gateways(written.encode())


def write_secrets(directory: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a gateway's file of secrets."""
    (directory / "keys").mkdir(exist_ok=True)
    path = directory / "keys" / "gateway-one"
    path.write_bytes(content)
    path.chmod(mode)


def test_secrets_when_they_are_complete_then_they_are_read(tmp_path: Path) -> None:
    """Each stands in a line of its own, and is shown to nobody."""
    settings = parse(UNIX, one=make_table(Kind.CAPCOM6)).gateways["one"]
    write_secrets(tmp_path, f'signing_key = "{KEY}"\nuser = "b"\npassword = "c"\n'.encode())
    secrets = load_secrets(tmp_path, settings)
    assert secrets == {
        "signing_key": Secret(KEY.encode()),
        "user": Secret(b"b"),
        "password": Secret(b"c"),
    }
    assert KEY not in repr(secrets)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'signing_key = "a"\nuser = "b"\n',
        b'signing_key = "a"\nuser = "b"\npassword = "c"\nmore = "d"\n',
        b'signing_key = "a"\nuser = "b"\npassword = 1\n',
        b'signing_key = "a"\nuser = "b"\npassword = ""\n',
        b'signing_key = "a"\nuser = "b"\npassword = "hush hush"\n',
        b"signing_key = hush\n",
        b"signing_key = \xff\n",
    ],
)
def test_secrets_when_they_are_not_in_their_form_then_no_error_quotes_them(
    tmp_path: Path, content: bytes
) -> None:
    """The error names the file and the names, and has no cause that quotes a line."""
    settings = parse(UNIX, one=make_table(Kind.CAPCOM6)).gateways["one"]
    write_secrets(tmp_path, content)
    with pytest.raises(InstanceError) as caught:
        load_secrets(tmp_path, settings)
    assert caught.value.code == "gateway_secrets"
    assert caught.value.facts["names"] == "signing_key, user, password"
    assert caught.value.__cause__ is None
    assert "hush" not in str(caught.value.facts)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.CAPCOM6, "signing_key"),
        (Kind.KANNEL, "inbound"),
        (Kind.WEBHOOK, "signing_key"),
        (Kind.WHATSAPP, "verify_token"),
        (Kind.TELEGRAM, "secret_token"),
    ],
)
def test_secrets_when_one_could_be_guessed_then_it_is_refused_by_name(
    tmp_path: Path, kind: Kind, name: str
) -> None:
    """What alone stands between a stranger and the readers has sixteen characters at least."""
    settings = parse(UNIX, one=make_table(kind)).gateways["one"]
    for short, is_taken in ((MIN_SECRET_CHARACTERS - 1, False), (MIN_SECRET_CHARACTERS, True)):
        values = dict.fromkeys(SECRETS[kind], "x") | {name: "x" * short}
        write_secrets(tmp_path, "".join(f'{k} = "{v}"\n' for k, v in values.items()).encode())
        if is_taken:
            assert load_secrets(tmp_path, settings)[name].reveal() == b"x" * short
            continue
        with pytest.raises(InstanceError) as caught:
            load_secrets(tmp_path, settings)
        assert caught.value.code == "gateway_secret_short"
        path = str(tmp_path / "keys" / "gateway-one")
        assert caught.value.facts == {"path": path, "name": name, "limit": MIN_SECRET_CHARACTERS}


def test_secrets_when_the_file_is_missing_then_it_is_named(tmp_path: Path) -> None:
    """A line with a gateway and no secret does not begin."""
    settings = parse(UNIX, one=make_table(Kind.WEBHOOK)).gateways["one"]
    with pytest.raises(InstanceError, match="gateway_secrets"):
        load_secrets(tmp_path, settings)


def test_secrets_when_others_can_read_them_then_they_are_refused(tmp_path: Path) -> None:
    """A secret that others can read is none."""
    settings = parse(UNIX, one=make_table(Kind.WEBHOOK)).gateways["one"]
    write_secrets(tmp_path, b'signing_key = "a"\n', mode=0o640)
    with pytest.raises(PermissionsError):
        load_secrets(tmp_path, settings)


def test_secrets_when_a_kind_has_none_then_no_file_is_needed(tmp_path: Path) -> None:
    """A modem has no secret."""
    settings = parse(UNIX, one=make_table(Kind.GAMMU)).gateways["one"]
    assert load_secrets(tmp_path, settings) == {}
