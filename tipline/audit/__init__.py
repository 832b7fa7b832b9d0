"""
The auditor's verifier: reads a line's log and holds every promise against what happened.

Rules:
    1. It imports the standard library and PyNaCl, and nothing else of this program: an auditor can
       read all of it, and carry it as one file.
    2. It was written from docs/reference/log.md alone. The service's own code for the log is
       another; the vectors hold both.
    3. Whatever comes from the log is hostile until a parser returned it; every size is bounded.
    4. Nothing that the service computed is believed: the tree is rebuilt from the raw entries.

docs/reference/audit.md says what a verdict means, and what it cannot say.
"""
