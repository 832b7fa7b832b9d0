"""
What an operator types in for somebody who telephones or comes: an operation of a served line.

Beside it the line tells how many messages still wait for their sender's handle.

Rules:
1. It comes by the operator's socket and is taken like any message: sealed, durable, acknowledged.
2. A line that is not being served takes none: there is nobody to seal it.
3. Neither text nor number is in the answer or in an error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from crypto.came_by import Medium
from crypto.errors import MalformedError
from crypto.tip import MAX_TEXT_BYTES
from tipline.clock import Clock
from tipline.errors import InstanceError, UsageError
from tipline.gateway.blocking import BLOCK_OPERATION, take_block
from tipline.gateway.kinds.operator import Operator
from tipline.gateway.notices import SPOKEN
from tipline.gateway.numbers import SenderKind, Spelling, parse_sender
from tipline.gateway.phones import Phones
from tipline.gateway.turns import CrowdedError, TooManyError
from tipline.operation_values import check_names
from tipline.operations import Workings, operate
from tipline.service.limits import BusyError

TYPE_OPERATION: Final = "gateway-type"
STATE_OPERATION: Final = "gateway-state"
GATEWAY_OPERATIONS: Final = frozenset({TYPE_OPERATION, STATE_OPERATION, BLOCK_OPERATION})


@dataclasses.dataclass(slots=True, kw_only=True)
class ServedOperations:
    """
    The operations of a line that is being served: those of every line, and those of its phones.

    Args:
        workings: What operations work on.
        clock: Tells the time.
        phones: Of the line, once they are open; None if it has none.
    """

    workings: Workings
    clock: Clock
    phones: Phones | None = None

    async def operate(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """
        Carry out one operation.

        Args:
            name: One of `GATEWAY_OPERATIONS` or of `OPERATIONS`.
            values: As that one takes them.

        Returns:
            As that one gives it.

        Raises:
            TiplineError: as the operation says.
            RetentionError: as the operation says.
        """
        if name == TYPE_OPERATION:
            return await take_typed(self.phones, values, clock=self.clock)
        if name == STATE_OPERATION:
            check_names(values)
            waiting = 0 if self.phones is None else self.phones.arrival.count_waiting()
            return {"handles_waiting": waiting}
        if name == BLOCK_OPERATION:
            handles = None if self.phones is None else self.phones.conversations.handles
            return await take_block(handles, values)
        return await operate(self.workings, name, values)


async def take_typed(
    phones: Phones | None, values: Mapping[str, Any], *, clock: Clock
) -> dict[str, Any]:
    """
    Take what was typed in.

    Args:
        phones: Of the line.
        values: `gateway`, `medium`, `number` (may be empty) and `text`.
        clock: Tells the time.

    Returns:
        Nothing: when it returns, all of it is durable.

    Raises:
        UsageError: `gateway_typed`: there is no text, too much of it, or no such number.
        InstanceError: `gateway_not_operator`: no gateway of kind operator has this name;
            `gateway_busy`: the line takes nothing at the moment.
    """
    check_names(values, "gateway", "medium", "number", "text")
    given = {name: values[name] for name in ("gateway", "medium", "number", "text")}
    if not all(isinstance(value, str) for value in given.values()):
        raise UsageError("gateway_typed")
    name, medium, number, text = given.values()
    adapter = None if phones is None else phones.adapters.get(name)
    if phones is None or not isinstance(adapter, Operator):
        raise InstanceError("gateway_not_operator", gateway=name[:32])
    if medium not in {one.value for one in SPOKEN} or not text.strip():
        raise UsageError("gateway_typed")
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        raise UsageError("gateway_typed")
    if number:
        try:
            country = phones.gateways.gateways[name].country
            # Whoever types it was told it in this country.
            sender = parse_sender(number, country, spelling=Spelling.NATIONAL)
        except MalformedError:
            # Not "from": nothing of what was typed goes further.
            raise UsageError("gateway_typed") from None
        if sender.kind is not SenderKind.NUMBER:
            raise UsageError("gateway_typed")
        number = sender.address
    message = adapter.take(text, sender=number, medium=Medium(medium), received_at=clock())
    try:
        await phones.arrival.deliver([message])
    except (BusyError, CrowdedError, TooManyError):
        raise InstanceError("gateway_busy") from None
    return {}
