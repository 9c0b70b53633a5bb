"""Dispatches of headquarters before they leave, and what officers did with each dispatch.

Contents are age ciphertext to the bureau's card; labels, addressees and names are routing data.
"""

from sqlalchemy import Column, ForeignKey, Identity, Index, Integer, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, at_least, one_of, table

composition = table(
    "composition",
    # From its first draft to its departure; `assigned` is who is awaited at this step.
    Column("composition_id", Text, primary_key=True),
    Column("author", Text, ForeignKey("officer.officer_id"), nullable=False, index=True),
    Column("origin", Text, ForeignKey("post.code"), nullable=False),
    Column("state", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("caveats", Text, nullable=False),  # canonical JSON list
    Column("releasable", Text, nullable=False),  # canonical JSON list of post codes
    Column("file", Text, nullable=False),
    Column("precedence", Text, nullable=False),
    Column("addressees", Text, nullable=False),  # canonical JSON list of post codes
    Column("routing", Text, nullable=False),  # canonical JSON list of [post, role, delivery]
    Column("source", Text, nullable=False),  # the dispatch that it answers or forwards, or empty
    Column("relation", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # age ciphertext: subject, a line end, the text
    # Age ciphertext: names, types, sizes and file keys of the attachments; empty for none.
    Column("attachments", LargeBinary),
    Column("enclosed", Text),  # canonical JSON list of [SHA-256, bytes], as the blob store has them
    Column("digest", Text, nullable=False),  # SHA-256 of exactly what is read and released
    Column("edition", Integer, nullable=False),
    Column("assigned", Text, nullable=False),  # an officer, or empty
    Column("enciphers", Text, nullable=False),  # who proposes the release, or empty
    Column("act", Text, ForeignKey("shared_act.act_id")),
    Column("released_by", Text, ForeignKey("officer.officer_id")),
    Column("refused_by", Text, ForeignKey("officer.officer_id")),
    Column("refusal", LargeBinary),  # age ciphertext: the reason, for the author
    Column("dispatch_id", Text, unique=True),  # of the departure tried last
    Column("created_at", Text, nullable=False),
    Column("saved_at", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    one_of("state", "draft", "submitted", "proposed", "released", "left", "discarded"),
    one_of("relation", "", "reply", "forward", "attach"),
    at_least("edition", 1),
    Index("ix_composition_tray", "state", "assigned"),
)

refused_edition = table(
    # The edition that somebody refused last, for them to see what changed; gone when it leaves.
    "refused_edition",
    Column("composition_id", Text, ForeignKey("composition.composition_id"), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), primary_key=True),
    Column("edition", Integer, nullable=False),
    Column("marking", Text, nullable=False),  # canonical JSON: level, caveats
    Column("routing", Text, nullable=False),  # as of the composition
    Column("enclosed", Text, nullable=False),  # likewise
    Column("body", LargeBinary, nullable=False),  # age ciphertext, as it was in the composition
    Column("refused_at", Text, nullable=False),
)

dispatch_act = table(
    "dispatch_act",
    # Who saw a dispatch, acknowledged its alert, was given it or charged with it.
    Column("seq", Long, Identity(), primary_key=True),
    Column("dispatch_id", Text, nullable=False),  # or a composition's id
    Column("kind", Text, nullable=False),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("other", Text, ForeignKey("officer.officer_id")),  # to whom
    Column("digest", Text, nullable=False),  # of what was opened; empty otherwise
    Column("at", Text, nullable=False),
    one_of("kind", "opened", "acknowledged", "handed", "assigned"),
    Index("ix_dispatch_act_dispatch", "dispatch_id", "kind", "officer"),
    Index("ix_dispatch_act_officer", "officer", "kind"),
)

dispatch_copy = table(
    "dispatch_copy",
    # What left the screen: the text printed (part 0), an attachment saved (its place, from 1).
    Column("dispatch_id", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("at", Text, nullable=False),
    at_least("part", 0),
    at_least("number", 1),
)

declassification = table(
    "declassification",
    # A lower marking for what is drawn from a dispatch; the dispatch keeps its own.
    Column("act", Text, ForeignKey("shared_act.act_id"), primary_key=True),
    Column("dispatch_id", Text, nullable=False, index=True),
    Column("level", Text, nullable=False),
    Column("caveats", Text, nullable=False),  # canonical JSON list
    Column("done_at", Text, nullable=False),
)
