"""
One throwaway line with its own desk: the demonstration that `script/run` shows, and `--check`.

1. Everything of it stands in one directory (mode 0700) that is erased at the end.
2. Every part is the real one: the service, its tor, the page's own worker, the desk.
3. The desk opens a tip in a process without network, or not at all (see `isolation`).
4. Its keys are made here, beside the service: that is what makes it a demonstration and not a line.
   A real desk makes its keys on a machine without network.
"""
