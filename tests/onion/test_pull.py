"""The desk's networked machine reaches its onion through a tor of its own."""

from __future__ import annotations

import contextlib
import datetime
import secrets
from pathlib import Path

import pytest

from crypto.note import Signer, Verifier
from crypto.outgoing import ITEM_BYTES, SealedItem, sign_outgoing
from tests.onion.conftest import MakeThrowawayLine
from tipline.demonstration.serving import serve_by_command
from tipline.desk.ceremony import read_client_key
from tipline.desk.pulling import parse_source, pull_bundle
from tipline.desk.pushing import push_bundle
from tipline.desk.torclient import Control, authorise, run_client
from tipline.errors import AnswerError, NetworkError
from tipline.privatetor.network import PrivateNetwork

pytestmark = pytest.mark.onion
TODAY = datetime.datetime.now(datetime.UTC).date()


async def test_pull_when_its_own_tor_is_started_then_the_bundle_comes(
    private_network: PrivateNetwork, make_onion_line: MakeThrowawayLine, tmp_path: Path
) -> None:
    """With its own tor and the client key the desk gets both bundles, and brings answers."""
    line = make_onion_line()
    stages: list[str] = []
    root = Verifier.parse(line.root)
    sealed = SealedItem(id=secrets.token_bytes(16), sealed=secrets.token_bytes(ITEM_BYTES))
    outgoing = sign_outgoing(
        (sealed,), reader="ana", number=1, today=TODAY, signer=Signer.generate("tipline-reader/ana")
    )
    async with (
        serve_by_command(line) as served,
        run_client(
            extra_lines=tuple(private_network.torrc_lines),
            today=TODAY,
            limit_seconds=60,
            on_stage=stages.append,
        ) as (control_socket, socks),
    ):
        key = read_client_key(line.client_key)
        with (
            contextlib.closing(Control(control_socket)) as control,
            authorise(control, onion=served.desk, key=key),
        ):
            pulled = await pull_bundle(
                parse_source(f"http://{served.desk}"),
                out=tmp_path / "bundle",
                root=root,
                socks=socks,
            )
            texts = await pull_bundle(
                parse_source(f"http://{served.desk}", texts_only=True),
                out=tmp_path / "texts",
                root=root,
                socks=socks,
            )
            # The way of answers is the same; this line has no phones, and says so.
            with pytest.raises(AnswerError) as refused:
                await push_bundle(parse_source(f"http://{served.desk}"), outgoing, socks=socks)

    assert refused.value.code == "answers_phones"
    assert pulled.index.tips == ()
    assert texts.index == pulled.index
    assert "done" in stages


async def test_tor_when_it_gets_nowhere_then_its_stage_is_named() -> None:
    """Without a network the wait ends, and says how far tor came."""
    with pytest.raises(NetworkError) as caught:
        async with run_client(extra_lines=("DisableNetwork 1",), today=TODAY, limit_seconds=3):
            raise AssertionError

    assert caught.value.code == "tor_stalled"
    assert caught.value.facts["percent"] != 100


async def test_control_when_nobody_listens_then_it_says_so(tmp_path: Path) -> None:
    """No tor at the socket is a plain error."""
    with pytest.raises(NetworkError) as caught:
        Control(tmp_path / "control")
    assert caught.value.code == "tor_control"


async def test_control_when_tor_refuses_then_only_the_commands_name_is_told(
    private_network: PrivateNetwork,
) -> None:
    """A refused command may hold a key, so the error holds its first word alone."""
    control = Control(private_network.client.control_socket)
    with pytest.raises(NetworkError) as caught:
        control.tell("ONION_CLIENT_AUTH_ADD nonsense x25519:secret")
    control.close()

    assert caught.value.facts == {"command": "ONION_CLIENT_AUTH_ADD"}
