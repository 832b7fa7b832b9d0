"""A log's keys and days, all fixed."""

from __future__ import annotations

import datetime

import pytest

from crypto.note import Signer
from crypto.secret import Secret
from retention.log.checkpoint import make_log_name

DAY = datetime.date(2031, 3, 14)


@pytest.fixture
def root() -> Signer:
    """The desk root."""
    return Signer(name="tipline-root", seed=Secret(b"\x01" * 32))


@pytest.fixture
def log(root: Signer) -> Signer:
    """The log's key."""
    return Signer(name=make_log_name(root.verifier()), seed=Secret(b"\x02" * 32))
