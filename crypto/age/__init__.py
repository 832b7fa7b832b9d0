"""
The age v1 file format, one module per idea of its specification (C2SP `age.md`).

    bech32      keys as text
    header      stanzas, the MAC line, limits
    hybrid      recipients that hold against quantum computers (mlkem768x25519)
    x25519      classic recipients
    scrypt      passphrases
    stream      the payload in chunks
    armor       the file as text
    file        a whole file, sealed and opened from stream to stream
    keys        identity and recipient files

age authenticates nobody: whoever knows a recipient can write to it, and whoever can open a file can
write another payload under the same header.
"""
