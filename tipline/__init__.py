"""The service, the sender, the desk and the auditor's verifier: everything that meets the world."""

__version__ = "0.1.0"
