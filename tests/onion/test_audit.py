"""The auditor's commands over Tor: a line that is served, read as its onion alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from crypto.cosignature import WitnessVerifier, verify_cosignature
from tests.onion.conftest import MakeThrowawayLine
from tipline.demonstration.serving import serve_by_command
from tipline.instance import load_log_signer
from tipline.privatetor.network import PrivateNetwork

pytestmark = pytest.mark.onion

SECONDS = 120


async def run_audit(*words: str | Path) -> tuple[int, str, str]:
    """Run one of the auditor's commands, as a person does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "tipline", "audit", *map(str, words)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LANGUAGE": "en"},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_audit_when_the_log_is_read_over_its_onion_then_it_holds_and_is_cosigned(
    private_network: PrivateNetwork, make_onion_line: MakeThrowawayLine, tmp_path: Path
) -> None:
    """`verify` and `witness` reach a real onion through tor; the witness signs what is served."""
    line = make_onion_line()
    socks = ("--socks", f"127.0.0.1:{private_network.socks_port}")
    state, witness_key = tmp_path / "state", tmp_path / "witness.key"
    made = await run_audit("keygen", "--name", "union", "--out", witness_key)
    signs = ("--witness-key", witness_key, "--state", state, *socks)
    async with serve_by_command(line) as served:
        key = load_log_signer(line.instance).verifier().format()
        url = f"http://{served.source}"
        # From paper alone: the keyset comes over the onion, too, and names the log's key.
        verified = await run_audit("verify", url, "--keyset-root", line.root, *socks, "--json")
        signed = await run_audit("witness", url, "--key", key, *signs, "--first")
        again = await run_audit("witness", url, "--key", key, *signs)
        without = await run_audit("verify", url, "--key", key)
        missing = await run_audit("verify", f"{url}/nothing", "--key", key, *socks)

    verdict = json.loads(verified[1])
    assert (verified[0], verdict["findings"], verdict["holds"]) == (0, [], True)
    assert verdict["size"] == verdict["read"] > 0
    assert verdict["log"] == key
    text = verdict["checkpoint"].partition("\n\n")[0] + "\n"
    witness = WitnessVerifier.parse(made[1].strip())
    for code, out, _ in (signed, again):
        assert code == 0
        assert verify_cosignature(out.rstrip("\n"), text=text, verifier=witness) > 0
    assert without[0] == 62  # never by an ordinary resolver
    assert missing[0] != 0
