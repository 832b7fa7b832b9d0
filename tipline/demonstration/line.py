"""
A throwaway line: its instance, its desk, and what a machine between the two would carry.

    DIRECTORY/          0700
      instance/         what stands on the server
      workstation/      what would stand on the machine without network: keys, vault
      carrier/          what would stand on the networked machine of the desk: client key, bundle

The configuration and the policy are written out completely, as a person would write them.
The identities have no passphrase, because one costs a second each time; a real desk's have one. The
private half of the desk root is thrown away as soon as it has signed the one keyset.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from crypto.age.hybrid import HybridIdentity
from crypto.age.keys import format_identity_file
from crypto.keyset import ROOT_NAME, sign_keyset
from crypto.keyset_fields import Category, Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from retention.policy import Event, Periods, RecordClass
from tipline.desk.ceremony import make_client_key
from tipline.files import create_file, make_private_directory
from tipline.instance import init_instance, load_log_signer
from tipline.keysets import install_keyset
from tipline.language import LANGUAGES, Translate, make_translations
from tipline.messages import N_

CHANNEL: Final = "everything"
KEYSET_DAYS: Final = 7
# Two days for what is not complete, two weeks for a tip: a desk with holidays would take more.
PERIODS: Final[Periods] = {
    RecordClass.PARTIAL_UPLOAD: {Event.BEGUN: 2},
    RecordClass.SEALED_TIP: {Event.ARRIVED: 14, Event.PICKED_UP: 3},
    RecordClass.ATTACHMENT: {Event.ARRIVED: 14, Event.PICKED_UP: 3},
    RecordClass.UPLOAD_ANSWER: {Event.ARRIVED: 2},
    RecordClass.REPLY: {Event.SENT: 30, Event.READ: 3},
    RecordClass.MAILBOX: {Event.LAST_USED: 60},
    RecordClass.RECEIPT_COPY: {Event.MADE: 14},
    RecordClass.RAW_NUMBER: {Event.RECEIVED: 7},
    RecordClass.GATEWAY_MESSAGE: {Event.RECEIVED: 2},
    RecordClass.PSEUDONYM_EPOCH: {Event.BEGUN: 30},
    RecordClass.KEYSET: {Event.EXPIRED: 30},
    RecordClass.BACKUP: {Event.MADE: 7},
    RecordClass.LOG_TEXT: {Event.LOGGED: 365},
}
READERS: Final = (
    ("newsroom", "Newsroom", "Investigations"),
    ("inspectorate", "Inspectorate", "Public works"),
    ("adviser", "Legal adviser", "Law office"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ThrowawayLine:
    """
    Where the parts of a throwaway line lie.

    Args:
        directory: All of it.
        client_key: Lets the desk's networked machine reach the desk's onion.
        root: The desk root's verifier key, as it would be printed.
    """

    directory: Path
    client_key: Path
    root: str

    @property
    def instance(self) -> Path:
        """What stands on the server."""
        return self.directory / "instance"

    @property
    def said(self) -> Path:
        """What the service says, where the shipped command serves the line."""
        return self.directory / "said"

    @property
    def temporary(self) -> Path:
        """Where that command would put temporary files."""
        return self.directory / "temporary"

    @property
    def server_directories(self) -> tuple[Path, ...]:
        """Whatever of this line would be found on its server."""
        return self.instance, self.said, self.temporary

    @property
    def workstation(self) -> Path:
        """What stands on the machine without network."""
        return self.directory / "workstation"

    @property
    def carrier(self) -> Path:
        """What stands on the networked machine of the desk."""
        return self.directory / "carrier"

    @property
    def bundle(self) -> Path:
        """What is carried from the one machine to the other."""
        return self.carrier / "tips.bundle"

    @property
    def vault(self) -> Path:
        """Where the desk keeps what it opened."""
        return self.workstation / "vault"

    @property
    def identity(self) -> Path:
        """The identity of the reader who opens the tips."""
        return self.workstation / "newsroom.key"


def make_line(
    directory: Path,
    *,
    today: datetime.date,
    translate: Translate,
    torrc_lines: Sequence[str] = (),
    settings: Mapping[str, object] = MappingProxyType({}),
) -> ThrowawayLine:
    """
    Make a throwaway line, complete and ready to be served.

    Args:
        directory: Exists, and is empty.
        today: In UTC.
        translate: For the comments in the configuration.
        torrc_lines: Of a private Tor network; none for the real one.
        settings: Values for keys of the configuration that replace ours.

    Returns:
        Where its parts lie.

    Raises:
        TiplineError: it cannot be written.
    """
    for name in ("workstation", "carrier"):
        make_private_directory(directory / name)
    workstation = directory / "workstation"
    root_signer = Signer.generate(ROOT_NAME)
    root = root_signer.verifier()
    client_key = directory / "carrier" / "client.key"
    client = make_client_key(client_key)
    signer = init_instance(
        directory / "instance",
        settings={
            "root": root.format(),
            **_describe_line(),
            "desk.clients": [client.rpartition(":")[2]],
            "onion.test_only_torrc_lines": list(torrc_lines),
            **settings,
        },
        periods=PERIODS,
        translate=translate,
        today=today,
    )
    readers = tuple(_make_reader(reader, directory=workstation, today=today) for reader in READERS)
    note = sign_keyset(
        KeysetDraft(
            valid_from=today,
            valid_until=today + datetime.timedelta(days=KEYSET_DAYS - 1),
            service=signer.verifier(),
            log=load_log_signer(directory / "instance").verifier(),
            witnesses=(),
            quorum=0,
            onion=None,
            readers=readers,
            channels=(_make_channel(today),),
        ),
        signer=root_signer,
        today=today,
    )
    install_keyset(directory / "instance", note, root=root, minimum=1, today=today)
    return ThrowawayLine(
        directory=directory,
        client_key=client_key,
        root=root.format(),
    )


def _make_reader(
    described: tuple[str, str, str], *, directory: Path, today: datetime.date
) -> Reader:
    id_, name, unit = described
    identity = HybridIdentity.generate()
    content = format_identity_file(identity, created_on=today).reveal()
    create_file(directory / f"{id_}.key", content, day=today)
    return Reader(id=id_, name=name, unit=unit, since_on=today, recipient=identity.recipient())


def _describe_line() -> dict[str, str]:
    name = N_("Demonstration line")
    emergency = N_("This is a demonstration: nobody reads it. In danger, call 112.")
    return {
        f"line.{key}.{language}": text
        for key, texts in (("name", _translate(name)), ("emergency", _translate(emergency)))
        for language, text in texts.items()
    }


def _make_channel(today: datetime.date) -> Channel:
    def entry(reader: str, *, optional: bool) -> ChannelReader:
        return ChannelReader(reader=reader, from_on=today, until_on=None, optional=optional)

    return Channel(
        id=CHANNEL,
        names=_translate(N_("Everything")),
        categories=(
            Category(id="works", names=_translate(N_("Roads, bridges, buildings"))),
            Category(id="money", names=_translate(N_("Public money"))),
        ),
        readers=(
            entry("newsroom", optional=False),
            entry("inspectorate", optional=True),
            entry("adviser", optional=True),
        ),
    )


def _translate(text: str) -> dict[str, str]:
    return {language: make_translations(language).gettext(text) for language in LANGUAGES}
