"""The pouch bureau's own program, `valise`: seals bags and judges their seals, without network.

It works with the identity folders of `chiffre` and speaks and ends as that program does. What a
bag, a seal and a verdict are is in `pouch`; here is only what can be typed, and files.
"""
