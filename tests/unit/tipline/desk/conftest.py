"""A desk and a service that make real bundles, in memory."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.bundle import START, IndexEntry, format_index, format_trailer
from crypto.envelope import AttachedFile, seal_tip
from crypto.keyset import choose_recipients, sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, Keyset, KeysetDraft, Reader
from crypto.note import Signer
from crypto.secret import Secret
from crypto.tip import Tip
from tipline.desk.vault import Vault

DAY = datetime.date(2026, 11, 21)
NAMES = {"en": "Works", "es": "Obras", "pt": "Obras"}


def make_identity(number: int) -> HybridIdentity:
    """One of a row of fixed readers."""
    return HybridIdentity(Secret(hashlib.sha256(b"desk reader %d" % number).digest()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """A desk root, a service, and the keyset between them."""

    root: Signer
    service: Signer
    draft: KeysetDraft
    note: bytes
    keyset: Keyset

    def sign_next(self, previous: bytes | None = None) -> bytes:
        """Sign the keyset that follows."""
        return sign_keyset(self.draft, signer=self.root, today=DAY, previous=previous or self.note)

    def seal(
        self,
        text: str = "hello",
        *,
        files: Sequence[tuple[str, bytes]] = (),
        leave_out: Sequence[str] = (),
        **fields: Any,
    ) -> bytes:
        """Seal a tip as a sender does."""
        sealed = io.BytesIO()
        seal_tip(
            sealed,
            tip=Tip(text=text, channel="works", **fields),
            files=[
                AttachedFile(
                    extension=extension,
                    size_bytes=len(body),
                    source=io.BytesIO(body),
                    name=f"real.{extension}",
                    media_type="image/jpeg",
                )
                for extension, body in files
            ],
            recipients=choose_recipients(
                self.keyset, channel="works", leave_out=leave_out, today=DAY
            ),
        )
        return sealed.getvalue()

    def seal_payload(self, payload: bytes) -> bytes:
        """Seal any payload to the readers, as a malicious source does."""
        sealed = io.BytesIO()
        recipients = choose_recipients(self.keyset, channel="works", today=DAY)
        age_file.seal(io.BytesIO(payload), sealed, recipients=recipients)
        return sealed.getvalue()

    def bundle(
        self,
        *envelopes: bytes,
        made_on: datetime.date = DAY,
        note: bytes | None = None,
        service: Signer | None = None,
        sha256: str | None = None,
    ) -> bytes:
        """Make a bundle as the service does, or lies."""
        entries, offset = [], len(START)
        for number, envelope in enumerate(envelopes):
            entries.append(
                IndexEntry(
                    id=f"{number:032x}",
                    arrived_on=DAY,
                    dies_on=DAY + datetime.timedelta(days=90),
                    channel="works",
                    size_bytes=len(envelope),
                    sealed_by_service=False,
                    keyset=1,
                    offset=offset,
                    sha256=sha256 or hashlib.sha256(envelope).hexdigest(),
                )
            )
            offset += len(envelope)
        index = format_index(
            entries,
            made_on=made_on,
            keyset_note=note or self.note,
            signer=service or self.service,
        )
        return START + b"".join(envelopes) + index + format_trailer(len(index))

    def make_vault(self, directory: Path) -> Vault:
        """Make a vault that trusts this desk."""
        return Vault.init(directory / "vault", root=self.root.verifier())


@pytest.fixture(scope="session")
def line() -> Line:
    """A desk with two readers, the second of whom can be left out."""
    root = Signer(name="tipline-root", seed=Secret(bytes(range(32))))
    service = Signer(name="tipline-service", seed=Secret(bytes(32)))
    readers = tuple(
        Reader(
            id=id_,
            name=name,
            unit="Investigations",
            since_on=datetime.date(2026, 1, 1),
            recipient=make_identity(number).recipient(),
        )
        for number, (id_, name) in enumerate((("ana", "Ana"), ("bea", "Bea")))
    )
    channel = Channel(
        id="works",
        names=NAMES,
        categories=(),
        readers=tuple(
            ChannelReader(
                reader=reader.id,
                from_on=datetime.date(2026, 1, 1),
                until_on=None,
                optional=reader.id == "bea",
            )
            for reader in readers
        ),
    )
    draft = KeysetDraft(
        valid_from=DAY,
        valid_until=DAY + datetime.timedelta(days=30),
        service=service.verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        readers=readers,
        channels=(channel,),
    )
    note = sign_keyset(draft, signer=root, today=DAY)
    keyset = verify_keyset(note, root=root.verifier(), today=DAY)
    return Line(root=root, service=service, draft=draft, note=note, keyset=keyset)


@pytest.fixture(scope="session")
def ana() -> HybridIdentity:
    """The reader whom nobody leaves out."""
    return make_identity(0)


@pytest.fixture(scope="session")
def bea() -> HybridIdentity:
    """The reader whom a source can leave out."""
    return make_identity(1)


@pytest.fixture(scope="session")
def stranger() -> HybridIdentity:
    """Somebody who reads nothing."""
    return make_identity(2)
