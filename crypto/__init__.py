"""Pure functions on bytes: no disk, network, clock or log (INV-12)."""
