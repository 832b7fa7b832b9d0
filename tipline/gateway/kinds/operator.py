"""
An operator who types in what somebody says: by telephone, or in person.

Rules:
1. Nothing comes over the listener: what is typed comes by the operator's socket, which only this
   machine's own account can reach.
2. The tip says `voice` or `walk_in`: that a person wrote down what another one said.
3. Nothing is recorded, and nothing can be sent back. A number is taken only if the operator types
   one: the readers may want to call.
"""

from __future__ import annotations

import datetime
import secrets
from typing import Final

from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.incoming import Incoming, MediaReference, Medium

ID_BYTES: Final = 16
SPOKEN: Final = (Medium.VOICE, Medium.WALK_IN)


class Operator:
    """
    A gateway that is a person.

    Args:
        name: As the operator named it.
    """

    medium: Final = Medium.VOICE
    can_send: Final = False

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def take(
        self, text: str, *, sender: str, medium: Medium, received_at: datetime.datetime
    ) -> Incoming:
        """
        Take what was typed in.

        Args:
            text: What somebody said.
            sender: A number, if one was said; else empty.
            medium: One of `SPOKEN`.
            received_at: Now, in UTC.

        Returns:
            The message, with an id of its own: the same words twice are two messages.

        Raises:
            ValueError: the caller is wrong: it came in another way.
        """
        if medium not in SPOKEN:
            raise ValueError("medium")
        return Incoming(
            gateway=self.name,
            medium=medium,
            provider_id=secrets.token_hex(ID_BYTES),
            sender=sender,
            text=text,
            received_at=received_at,
        )

    def receive(self, request: RawRequest) -> Received:
        """
        Refuse: nobody calls this gateway over the listener.

        Args:
            request: Untrusted.

        Raises:
            GatewayError: `gateway_signature`, always: nothing signs.
        """
        raise GatewayError("gateway_signature", gateway=self.name)

    async def send(self, to: str, text: str) -> None:
        """
        Refuse: nothing can be sent to whoever spoke.

        Args:
            to: A number.
            text: An answer.

        Raises:
            GatewayError: `gateway_no_answers`, always.
        """
        raise GatewayError("gateway_no_answers", gateway=self.name)

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Refuse: nothing belongs to what was typed in.

        Args:
            reference: Of no message.
            limit_bytes: No more than this would be read.

        Raises:
            GatewayError: `gateway_refused`, always.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)

    async def forget(self, reference: MediaReference) -> None:
        """
        Refuse: nobody else has anything of it.

        Args:
            reference: Of no message.

        Raises:
            GatewayError: `gateway_refused`, always.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)
