"""What every test shares: property tests without a deadline of their own."""

from __future__ import annotations

from hypothesis import settings

# A deadline measures how busy the machine is, not the code: speed is measured in tests/bench.
settings.register_profile("tipline", deadline=None, print_blob=True)
settings.load_profile("tipline")
