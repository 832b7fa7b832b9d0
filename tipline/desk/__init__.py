"""The desk: keys and keysets, carrying bundles, and the offline workstation's vault."""
