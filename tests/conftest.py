"""What every test shares: property tests without a deadline of their own, and a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from hypothesis import settings

from tests.providers import Provider, serve_provider

# A deadline measures how busy the machine is, not the code: speed is measured in tests/bench.
settings.register_profile("tipline", deadline=None, print_blob=True)
settings.load_profile("tipline")


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """Serve a provider's API on loopback."""
    async with serve_provider() as served:
        yield served
