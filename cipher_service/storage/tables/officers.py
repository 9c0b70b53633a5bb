"""Persons: who they are, the functions they hold, what they may see, and in whose name they act.

Nothing is deleted: a window is ended, so that the books still say who could do what on any day.
Instants bound windows as `starts <= now < ends`; an open end is NULL.
"""

from sqlalchemy import Column, ForeignKey, Identity, Index, Text, UniqueConstraint

from cipher_service.storage.tables.columns import Long, one_of, table

officer = table(
    "officer",
    Column("officer_id", Text, primary_key=True),  # from a counter: never given to another person
    Column("name", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("grade_since", Text, nullable=False),  # a day, YYYY-MM-DD
    Column("service_since", Text, nullable=False),  # a day: seniority, article 8
    Column("unit", Text),  # a code of the organisation; NULL at a post
    Column("post", Text, ForeignKey("post.code"), nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    one_of("state", "active", "suspended", "left"),
)

function_held = table(
    "function_held",
    Column("seq", Long, Identity(), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("post", Text, ForeignKey("post.code"), nullable=False),  # where it is held
    Column("starts", Text, nullable=False),
    Column("ends", Text),
    Column("act", Text, nullable=False),  # reference of the act that gave it
    Column("recorded_by", Text),  # who recorded it; NULL at the founding
)

habilitation = table(
    "habilitation",
    Column("seq", Long, Identity(), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False, index=True),
    Column("level", Text, nullable=False),
    Column("caveats", Text, nullable=False),  # canonical JSON list
    Column("starts", Text, nullable=False),
    Column("ends", Text, nullable=False),  # no habilitation without an end
    Column("trained_until", Text, nullable=False),  # its training lapses first, and it with it
    Column("act", Text, nullable=False),
    Column("proposer", Text),
    Column("grantor", Text),
)

need_to_know = table(
    "need_to_know",
    # An habilitation opens nothing by itself: a person also needs the matter (IGI 1300, art. 21).
    Column("seq", Long, Identity(), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("starts", Text, nullable=False),
    Column("ends", Text),
    Column("recorded_by", Text),
    one_of("kind", "dispatch", "post", "file"),
    Index("ix_need_to_know_officer", "officer", "kind", "object"),
)

mandate = table(
    "mandate",
    # Delegation of signature and interim: one person exercises another's function for a time.
    Column("mandate_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("holder", Text, ForeignKey("officer.officer_id"), nullable=False, index=True),
    Column("delegator", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("post", Text, ForeignKey("post.code"), nullable=False),
    Column("actions", Text, nullable=False),  # canonical JSON list; empty: all of the function's
    Column("level", Text, nullable=False),  # the highest that it covers
    Column("starts", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # canonical JSON: how the candidate was found
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    Column("proposer", Text),
    Column("signer", Text),  # the Minister, or who delegated: without a signature it is a draft
    one_of("kind", "signature", "interim"),
    one_of("state", "proposed", "active", "ended"),
)

absence = table(
    "absence",
    # Who is away is passed over when an interim is looked for, and cannot be asked to approve.
    Column("seq", Long, Identity(), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("starts", Text, nullable=False),
    Column("ends", Text),
    Column("reason", Text, nullable=False),
    UniqueConstraint("officer", "starts"),
)
