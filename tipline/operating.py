"""
One way to an operation: by the operator's socket if the line is being served, else by opening it.

A command never asks which of the two it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tipline.clock import BootClock, Clock, system_boot_clock, system_clock
from tipline.console import Console
from tipline.errors import InstanceError
from tipline.instance import OPERATOR_SOCKET_NAME, RUN_NAME, Instance
from tipline.operations import operate
from tipline.served_line import ask_service
from tipline.service.silence import Faults
from tipline.service.workings import open_workings


def run_operation(
    directory: Path,
    name: str,
    values: Mapping[str, Any],
    *,
    console: Console,
    clock: Clock = system_clock,
    boot_clock: BootClock = system_boot_clock,
) -> dict[str, Any]:
    """
    Carry out one operation on a line.

    Args:
        directory: The line.
        name: One of `OPERATIONS`.
        values: As that one takes them.
        console: Where it is told what came up besides.
        clock: The clock that can be set; a served line goes by its own.
        boot_clock: The clock that cannot.

    Returns:
        As the operation gives it.

    Raises:
        InstanceError: not an instance; another command has it open (`instance_in_use`); the served
            line does not answer (`operator_silent`); or as the operation says.
        TiplineError: as the operation says.
        RetentionError: as the operation says.
    """
    faults = Faults()
    try:
        return asyncio.run(
            _run(directory, name, values, clock=clock, boot_clock=boot_clock, faults=faults)
        )
    finally:
        if places := faults.take():
            _ = console.translate
            console.say(_("faults, for the developers: {places}").format(places=", ".join(places)))


async def _run(
    directory: Path,
    name: str,
    values: Mapping[str, Any],
    *,
    clock: Clock,
    boot_clock: BootClock,
    faults: Faults,
) -> dict[str, Any]:
    try:
        instance = Instance.open(directory)
    except InstanceError as exc:
        path = directory / RUN_NAME / OPERATOR_SOCKET_NAME
        if exc.code != "instance_in_use" or not path.is_socket():
            raise
        return await ask_service(path, name, values)
    with instance:
        async with open_workings(
            instance,
            clock=clock,
            boot_clock=boot_clock,
            # The log is told, and so is whoever asks: tipline clock DIR.
            on_clock=lambda event: None,
            on_fault=faults.add,
        ) as workings:
            return await operate(workings, name, values)
