"""A line that could not listen for its gateways does not begin, and says why."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.service.phones import install_gateways, make_gateway
from tipline.errors import ConfigurationError


async def refuse(world: Any, listen: dict[str, Any]) -> ConfigurationError:
    """Try to serve; tell why it is refused."""
    install_gateways(world.directory, listen=listen, voice=make_gateway("operator"))
    with pytest.raises(ConfigurationError) as caught:
        async with world.serve():
            pass
    return caught.value


async def test_line_when_its_gateways_have_no_place_then_it_does_not_begin(world: Any) -> None:
    """A folder that is missing, a port that is taken, and the desk's own socket."""
    folder = await refuse(world, {"unix": "none/gateway"})
    assert (folder.code, folder.facts) == (
        "gateways_folder",
        {"path": str(world.directory / "none")},
    )
    own = await refuse(world, {"unix": "run/desk.sock"})
    assert own.code == "gateways_own_socket"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = await refuse(world, {"port": port})
    assert (taken.code, taken.facts) == ("gateways_port", {"port": port})
