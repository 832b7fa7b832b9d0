"""What comes in from phones: gateways, and what becomes of their messages."""
