"""What every cleaning is held to, of whatever format."""

from __future__ import annotations

import io

import pytest

from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Plan, write_cleaned


def clean(data: bytes) -> tuple[bytes, Plan]:
    """Clean *data*, and hold that what comes out is clean."""
    source, cleaned = io.BytesIO(data), io.BytesIO()
    plan = plan_cleaning(source)
    write_cleaned(plan, source, cleaned)
    assert plan.length_bytes == len(cleaned.getvalue())
    assert plan_cleaning(cleaned).kinds == ()
    assert plan.kinds or cleaned.getvalue() == data
    return cleaned.getvalue(), plan


def refuse(data: bytes) -> Reason:
    """Hold that *data* is refused, and say why."""
    with pytest.raises(RefusedError) as caught:
        plan_cleaning(io.BytesIO(data))
    return caught.value.reason
