"""The ministry's organisation, its posts, their channels and their cards (decree 2013/112, 8-16).

The organisation is data (`data/minrex.toml`), because a decree changes by decree. A post's card
comes in with a one-time code, stays pending until headquarters has compared its fingerprint with
the post by another way, and is superseded by the next one; no edition is ever forgotten.
"""
