"""A status as it lies."""

from __future__ import annotations

import pytest

from crypto.data_key import DataKey
from crypto.errors import ForgedError
from crypto.stored import sealed_len
from tipline.service.kept_status import STATUS_BYTES, Status, open_status, seal_status

DATA_ID = bytes(range(16))
STATUSES = (
    Status(),
    Status(number=1, text="Recibido."),
    Status(number=(1 << 64) - 1, text="€" * 160),
)


@pytest.mark.parametrize("status", STATUSES)
def test_status_when_sealed_then_it_opens_again_and_its_length_tells_nothing(
    status: Status,
) -> None:
    """Number and text come back, and every status has the same length, an empty one, too."""
    key = DataKey.generate()
    sealed = seal_status(key, status, data_id=DATA_ID)
    assert len(sealed) == sealed_len(STATUS_BYTES)
    assert open_status(key, sealed, data_id=DATA_ID) == status


def test_status_when_it_is_of_another_window_then_it_does_not_open() -> None:
    """What lies in one window tells nothing in another."""
    key = DataKey.generate()
    sealed = seal_status(key, STATUSES[1], data_id=DATA_ID)
    with pytest.raises(ForgedError):
        open_status(key, sealed, data_id=bytes(16))


def test_status_when_it_is_too_long_then_it_is_not_sealed() -> None:
    """No status is longer than the others."""
    with pytest.raises(ValueError, match="one message"):
        seal_status(DataKey.generate(), Status(text="x" * (STATUS_BYTES - 7)), data_id=DATA_ID)


def test_status_when_printed_then_its_text_is_not() -> None:
    """No traceback shows what a source is told."""
    assert "Recibido" not in repr(STATUSES[1])
