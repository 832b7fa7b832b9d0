"""
The keys of the private network's authorities, made by tor's own programs.

They guard nothing: the network lives for one run, on loopback.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path
from typing import Final

from tipline.errors import NetworkError

# Options that keep a tor from reading the machine's own configuration.
NO_OTHER_CONFIGURATION: Final = (
    "--defaults-torrc",
    "/nonexistent/defaults",
    "--ignore-missing-torrc",
)
# tor-gencert wants months; one year outlives any run.
CERTIFICATE_MONTHS: Final = 12


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityKeys:
    """
    The two fingerprints by which others know an authority.

    Args:
        voting_identity: Of its voting key, 40 hex digits.
        fingerprint: Of its relay key, 40 hex digits.
    """

    voting_identity: str
    fingerprint: str


def make_authority_keys(
    nickname: str, *, directory: Path, tor: str, tor_gencert: str
) -> AuthorityKeys:
    """
    Make the keys of one authority in its directory.

    Args:
        nickname: Of the authority.
        directory: Its data directory; exists.
        tor: Path of the program.
        tor_gencert: Path of the program.

    Returns:
        What the others must know.

    Raises:
        NetworkError: one of the programs failed.
    """
    return AuthorityKeys(
        voting_identity=_make_voting_keys(directory / "keys", tor_gencert=tor_gencert),
        fingerprint=_make_relay_key(nickname, directory=directory, tor=tor),
    )


def _make_voting_keys(keys: Path, *, tor_gencert: str) -> str:
    keys.mkdir(mode=0o700, exist_ok=True)
    certificate = keys / "authority_certificate"
    # Never with -a: an address in the certificate overrides the DirAuthority line.
    _run(
        [
            tor_gencert,
            "--create-identity-key",
            *("--passphrase-fd", "0"),
            *("-m", str(CERTIFICATE_MONTHS)),
            *("-i", str(keys / "authority_identity_key")),
            *("-s", str(keys / "authority_signing_key")),
            *("-c", str(certificate)),
        ],
        typed="unused\n",
    )
    return _find(
        r"^fingerprint ([0-9A-F]{40})$", certificate.read_text("ascii"), program="tor-gencert"
    )


def _make_relay_key(nickname: str, *, directory: Path, tor: str) -> str:
    output = _run(
        [
            tor,
            *NO_OTHER_CONFIGURATION,
            *("-f", "/nonexistent/torrc"),
            *("--list-fingerprint", "--quiet"),
            *("--orport", "1"),
            *("--DataDirectory", str(directory)),
            *("--Nickname", nickname),
            *("--Address", "127.0.0.1"),
            # Any authority but the real ones, so that nothing here can mean the live network.
            *("--DirAuthority", "x 127.0.0.1:1 " + "F" * 40),
        ],
        typed="",
    )
    return _find(r"((?:[0-9A-F]{4} ?){10})", output, program="tor").replace(" ", "")


def _run(command: list[str], *, typed: str) -> str:
    done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError("private_network", stage=Path(command[0]).name)
    return done.stdout


def _find(pattern: str, text: str, *, program: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise NetworkError("private_network", stage=program)
    return match.group(1)
