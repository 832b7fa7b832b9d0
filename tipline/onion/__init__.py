"""
Control of a dedicated tor: one process for one line.

The machine's own tor, if there is one, is neither used nor read.
"""
