"""Suite S2: what a dispatch of it has in the place of S1's primitives (SPEC.md §17).

`recipients` wraps file keys of 32 bytes, `complements` publishes the keys that go with a card.
"""
