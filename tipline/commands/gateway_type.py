"""`tipline gateway type`: type in what somebody says, by telephone or in person."""

from __future__ import annotations

import argparse
import asyncio
from typing import Final

from crypto.came_by import Medium
from crypto.errors import KeysetError
from crypto.tip import MAX_TEXT_BYTES
from tipline.configuration import CONFIGURATION_NAME, load_configuration
from tipline.console import Console
from tipline.errors import InstanceError, UsageError
from tipline.gateway.notices import make_notice
from tipline.gateway.settings import Kind, load_gateways
from tipline.gateway.typed import TYPE_OPERATION
from tipline.instance import OPERATOR_SOCKET_NAME, RUN_NAME
from tipline.keysets import read_keyset
from tipline.served_line import ask_service

MAX_NUMBER_CHARACTERS: Final = 64


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Show what is read out first, then take what is typed, up to the end of input.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0: it is sealed and durable.

    Raises:
        UsageError: there is no text, too much of it, or no such number.
        InstanceError: the line is not served (`gateway_not_served`), has no such gateway, or takes
            nothing at the moment.
        ConfigurationError: `gateways.toml` does not hold.
    """
    _ = console.translate
    if not (options.directory / CONFIGURATION_NAME).is_file():
        raise InstanceError("instance_missing", path=str(options.directory))
    gateways = load_gateways(options.directory)
    settings = None if gateways is None else gateways.gateways.get(options.gateway)
    if settings is None or settings.kind is not Kind.OPERATOR:
        raise InstanceError("gateway_not_operator", gateway=options.gateway)
    path = options.directory / RUN_NAME / OPERATOR_SOCKET_NAME
    if not path.is_socket():
        raise InstanceError("gateway_not_served")
    medium = Medium.WALK_IN if options.in_person else Medium.VOICE
    console.say(_("read this out first:"))
    console.say(make_notice(medium, language=settings.language, onion=_find_onion(options)))
    if options.ask_number:
        console.say(_("the number, if one was said; else an empty line:"))
        number = _read_line(console)
    else:
        number = ""
    console.say(_("what is said; end with Ctrl-D on a line of its own:"))
    text = _read(console)
    asyncio.run(
        ask_service(
            path,
            TYPE_OPERATION,
            {"gateway": options.gateway, "medium": medium.value, "number": number, "text": text},
        )
    )
    console.say(_("sealed for the readers and stored; clear this screen, it still shows it"))
    return 0


def _find_onion(options: argparse.Namespace) -> str | None:
    configuration = load_configuration(options.directory)
    try:
        installed = read_keyset(
            options.directory, root=configuration.root, minimum=configuration.keyset_minimum
        )
    except KeysetError:
        return None
    return installed.keyset.onion


def _read_line(console: Console) -> str:
    return _decode(console.input.readline(MAX_NUMBER_CHARACTERS * 4)).strip()


def _read(console: Console) -> str:
    return _decode(console.input.read(MAX_TEXT_BYTES + 1)).strip()


def _decode(untrusted: bytes) -> str:
    try:
        return untrusted.decode("utf-8")
    except UnicodeDecodeError:
        # Not "from": the error quotes what was typed.
        raise UsageError("gateway_typed") from None
