"""The command `cipher-service`: found an installation, run it, look after it, show it.

Whoever can run it on the data folder acts as the ministry's bureau and administrator; the
two-person acts of article 12 are not enforced here yet (see SECURITY.md, P6).
"""
