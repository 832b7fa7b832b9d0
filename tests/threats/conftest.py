"""A desk with three readers of one channel, and what an adversary would hold."""

from __future__ import annotations

import dataclasses
import datetime
import io
from collections.abc import Collection

import pytest

from crypto.age.file import open_
from crypto.age.hybrid import HybridIdentity
from crypto.envelope import seal_tip
from crypto.keyset import choose_recipients, sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, Keyset, KeysetDraft, Reader
from crypto.note import Signer
from crypto.tip import Tip

TODAY = datetime.date(2031, 3, 14)
NAMES = {"en": "City", "es": "Ciudad", "pt": "Cidade"}


@dataclasses.dataclass(kw_only=True)
class Desk:
    """A desk root, readers with their identities, and the keyset in force."""

    root: Signer
    service: Signer
    readers: dict[str, HybridIdentity]
    note: bytes = b""

    def sign(
        self,
        readers: Collection[str],
        *,
        root: Signer | None = None,
        after: bytes | None = None,
        valid_from: datetime.date = TODAY,
    ) -> bytes:
        """Sign a keyset that names *readers*; the first of them cannot be left out."""
        draft = KeysetDraft(
            valid_from=valid_from,
            valid_until=valid_from + datetime.timedelta(days=30),
            service=self.service.verifier(),
            log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
            witnesses=(),
            quorum=0,
            onion=None,
            readers=tuple(
                Reader(
                    id=name,
                    name=name.title(),
                    unit="Unit",
                    since_on=valid_from,
                    recipient=self.readers[name].recipient(),
                )
                for name in readers
            ),
            channels=(
                Channel(
                    id="city",
                    names=NAMES,
                    categories=(),
                    readers=tuple(
                        ChannelReader(
                            reader=name, from_on=valid_from, until_on=None, optional=number > 0
                        )
                        for number, name in enumerate(readers)
                    ),
                ),
            ),
        )
        return sign_keyset(draft, signer=root or self.root, today=valid_from, previous=after)

    def verify(self, note: bytes, *, today: datetime.date = TODAY, seen: int = 0) -> Keyset:
        """Verify a keyset as page, service and desk do."""
        return verify_keyset(note, root=self.root.verifier(), today=today, seen=seen)

    def seal(self, note: bytes, *, leave_out: Collection[str] = ()) -> bytes:
        """Seal a tip to a keyset."""
        recipients = choose_recipients(
            self.verify(note), channel="city", leave_out=leave_out, today=TODAY
        )
        sealed = io.BytesIO()
        seal_tip(sealed, tip=Tip(text="seen at the harbour"), recipients=recipients)
        return sealed.getvalue()


def open_envelope(envelope: bytes, identity: HybridIdentity) -> bytes:
    """Open an envelope with one identity, as its holder can."""
    opened = io.BytesIO()
    open_(io.BytesIO(envelope), opened, identities=[identity])
    return opened.getvalue()


@pytest.fixture
def desk() -> Desk:
    """A desk whose first keyset names three readers."""
    desk = Desk(
        root=Signer.generate("tipline-root"),
        service=Signer.generate("tipline-service"),
        readers={name: HybridIdentity.generate() for name in ("ana", "bea", "caio")},
    )
    desk.note = desk.sign(["ana", "bea", "caio"])
    return desk


@pytest.fixture
def today() -> datetime.date:
    """The day on which these tests play."""
    return TODAY


@pytest.fixture
def read_with() -> object:
    """Open an envelope with one identity."""
    return open_envelope
