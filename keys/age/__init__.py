"""The age v1 file format (C2SP age.md), read and written strictly and in linear time.

`header` is the textual header, `hybrid`, `x25519` and `scrypt` are the recipient types, `stream`
is the payload, `armor` reads the ASCII form, `bech32` spells keys, `files` joins them for small
things held in memory.
"""
