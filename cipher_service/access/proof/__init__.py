"""Proofs over a set of policies (z3): what no test of cases can show.

    check(policies)      # each invariant, and the matrix in both directions; findings with a case
    new_access(old, new) # what the new set allows that the old one does not

Nothing at run time needs this package: a set is proved once, before it is put in force.
"""
