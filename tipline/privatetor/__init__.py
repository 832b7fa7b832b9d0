"""
A private Tor network on loopback, for the tests and for `script/run --check`.

Real tor processes, real onion services, no internet:

1. Every relay is a directory authority. An authority makes the consensus itself, while a plain
   relay that asks before the first consensus backs off for many seconds. What is lost by
   it: docs/explanation/decisions/0016-authorities-are-the-only-relays.md.
2. The vote waits for the descriptors: it is parked far off and brought forward once every authority
   knows every relay, so that the first consensus is complete however slow the machine is.
3. A client starts with the consensus already in its directory.
4. Nothing of it is for real use: its lines make a tor faster and weaker (see `torrc`).

`network.run_private_network` is the door.
"""
