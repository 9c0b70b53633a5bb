"""Who may do what (decree 2013/112, article 12: « contrôle des autorisations d'accès »).

    book = default_policies()
    decide(book, principal, "read", dispatch, Circumstances(now))     # Decision(allowed=...)

Policies are Cedar text (`data/*.cedar`). The lattice and the separation of duties forbid, the
decree's functions permit, and a forbid beats every permit. `matrix.toml` says the same functions as
a table; `proof` shows that the two agree and that no policy breaks an invariant, before any of them
is put in force. Lists are filtered in SQL by what is left of the policies once the asker is known
(`filters`), and every row that comes back is decided again.
"""
