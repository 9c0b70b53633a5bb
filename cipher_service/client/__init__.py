"""A post's own program, `chiffre`: enciphers and deciphers alone, and talks to the ministry.

`arguments` says what can be typed, `offline` and the modules beside it do the work that needs no
network, `texts/` holds what is said. Nothing here loads until the command that needs it runs.
"""
