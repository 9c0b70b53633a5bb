"""Pouches as the service may know them: never a line of a bordereau, only its commitment.

Lines lie here as age ciphertext to a bureau's card; beside them stand salted commitments, levels,
counts and weights. Custody events are kept as they were signed and never changed or removed.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from cipher_service.storage.tables.columns import Long, at_least, index_where, one_of, table

device = table(
    "pouch_device",
    Column("device_id", Text, primary_key=True),  # hash of its key
    Column("post", Text, ForeignKey("post.code"), nullable=False),
    Column("ed25519", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("enrolled_at", Text, nullable=False),
    Column("revoked_at", Text),
    # The device's clock minus the ministry's, in seconds; NULL until it was compared once.
    Column("clock_offset", Integer),
    Column("clock_at", Text),
    one_of("state", "active", "revoked"),
)

route = table(
    "pouch_route",
    Column("code", Text, primary_key=True),
    Column("origin", Text, ForeignKey("post.code"), nullable=False),
    Column("destination", Text, ForeignKey("post.code"), nullable=False),
    Column("legs", Text, nullable=False),  # canonical JSON list of [origin, destination, minutes]
    Column("limits", Text, nullable=False),  # canonical JSON object, see `pouch.classes.Limits`
    Column("tolerance_g", Integer, nullable=False),  # how far the weights at both ends may differ
    Column("news_minutes", Integer, nullable=False),  # how often custody must be told on the way
    at_least("tolerance_g", 0),
    at_least("news_minutes", 1),
)

departure = table(
    "pouch_departure",
    Column("departure_id", Text, primary_key=True),
    Column("route", Text, ForeignKey("pouch_route.code"), nullable=False),
    Column("mode", Text, nullable=False),
    Column("cut_off", Text, nullable=False),  # hand-in ends; never after the eve of departure
    Column("departs", Text, nullable=False),
    Column("due", Text, nullable=False),
    Index("ix_pouch_departure_route", "route", "departs"),
)

bag = table(
    "pouch_bag",
    Column("bag", Text, primary_key=True),  # 22 digits
    Column("place", Text, ForeignKey("post.code"), nullable=False),  # where it lies or is going
    Column("since", Text, nullable=False),
    Column("empty", Integer, nullable=False),  # 1: without contents
    Column("cycles", Integer, nullable=False),
    Column("cycles_most", Integer),
    Column("sides_cm", Text),  # canonical JSON list of three; NULL: nobody measured it
    at_least("cycles", 0),
)

empties_notice = table(
    "pouch_empties_notice",
    # Empty bags that a post sent home, as it signed it.
    Column("post", Text, ForeignKey("post.code"), primary_key=True),
    Column("number", Text, primary_key=True),  # of the post's bordereau
    Column("sent_at", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

empties_line = table(
    "pouch_empties_line",
    Column("post", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("bag", Text, ForeignKey("pouch_bag.bag"), primary_key=True),
    Column("ended", Text),  # NULL: not here yet
    Column("ended_at", Text),
    ForeignKeyConstraint(
        ["post", "number"], ["pouch_empties_notice.post", "pouch_empties_notice.number"]
    ),
    one_of("ended", "returned", "used-again"),
    Index("ix_pouch_empties_line_bag", "bag", "ended"),
)

closing = table(
    "pouch_closing",
    # One filling of one bag, from make-up to discharge; `seal` is the seal's own identifier.
    Column("seal", Text, primary_key=True),
    Column("bag", Text, ForeignKey("pouch_bag.bag"), nullable=False, index=True),
    Column("departure", Text, ForeignKey("pouch_departure.departure_id"), nullable=False),
    Column("bag_class", Text, nullable=False),
    Column("opened_at", Text, nullable=False),  # when the make-up began
    Column("packers", Text, nullable=False),  # canonical JSON list of officers
    Column("certifier", Text),
    Column("manifest", Text),  # salted digest, from sealing on
    Column("seals", Text, nullable=False),  # canonical JSON list of numbers; empty before sealing
    Column("weight_g", Integer),
    Column("nonce_sha256", Text),
    Column("stage", Text, nullable=False),  # as the events say, recomputed with each
    Column("lost", Integer, nullable=False),
    Column("recalled", Integer, nullable=False),
    # Canonical JSON list of the officers who took it from another, likewise; NULL: nobody.
    Column("takers", Text),
    Column("rectified_g", Integer),  # the weight as its origin put it right; NULL: as sealed
    Index("ix_pouch_closing_departure", "departure", "seal"),
    Index("ix_pouch_closing_stage", "stage", "seal"),
)

line = table(
    "pouch_line",
    Column("seal", Text, ForeignKey("pouch_closing.seal"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("commitment", Text, nullable=False),  # salted leaf of the manifest's tree
    Column("level", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("weight_g", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    at_least("line", 1),
    at_least("quantity", 1),
    at_least("weight_g", 1),
    UniqueConstraint("seal", "commitment"),
)

hand_in = table(
    "pouch_hand_in",
    # What was handed in to travel by pouch, from the counter until it lies in a bag.
    Column("number", Text, primary_key=True),  # 10 digits, stuck on the piece
    Column("destination", Text, ForeignKey("post.code"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("weight_g", Integer, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("dispatch", Text),  # for a dispatch; by its id, which need not be this service's
    Column("officer", Text, nullable=False),  # who took it in
    Column("handed_at", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    Column("seal", Text, ForeignKey("pouch_closing.seal")),  # NULL: it waits
    Column("line", Integer),
    at_least("weight_g", 1),
    at_least("quantity", 1),
    UniqueConstraint("seal", "line"),
    UniqueConstraint("dispatch", "destination"),
    Index("ix_pouch_hand_in_waiting", "destination", "seal", "number"),
)

waybill = table(
    "pouch_waybill",
    # Who carries a departure; names and passports only as ciphertext to the bureau's card.
    Column("departure", Text, ForeignKey("pouch_departure.departure_id"), primary_key=True),
    Column("packages", Integer, nullable=False),
    Column("courier", Text, ForeignKey("officer.officer_id")),  # NULL: nobody of the ministry
    Column("body", LargeBinary, nullable=False),
    at_least("packages", 1),
)

sealed = table(
    "pouch_sealed",
    # What was signed at a closing: the symbol, which anybody may see, and the rest as ciphertext.
    Column("seal", Text, ForeignKey("pouch_closing.seal"), primary_key=True),
    Column("number", Text, nullable=False),  # of the bordereau
    Column("ordinal", Integer, nullable=False),
    Column("departure", Text, ForeignKey("pouch_departure.departure_id"), nullable=False),
    Column("symbol", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    Column("announcement", Text),  # the dispatch that told the receiver; NULL: not yet
    Column("announcing", Text),  # the dispatch that an officer is about to have signed for it
    Column("sealer", Text),  # signatures over the claims, where the body was kept before them
    at_least("ordinal", 1),
    UniqueConstraint("number"),
    UniqueConstraint("departure", "ordinal"),
)
index_where(sealed.c.announcement.is_(None), "ix_pouch_sealed_untold", sealed.c.number)

rectification = table(
    "pouch_rectification",
    # What headquarters put right in a bordereau that it sealed; both stay (pouch/SPEC.md §13).
    Column("seal", Text, ForeignKey("pouch_closing.seal"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),  # 1 for the first of this closing
    Column("number", Text, nullable=False),
    Column("hash", Text, nullable=False),  # of the statement, which a salt hides
    Column("made_at", Text, nullable=False),
    Column("first", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    Column("announcement", Text),  # the dispatch that told the receiver; NULL: not yet
    Column("weight_g", Integer),  # of the closed bag, as it is right since; NULL: kept before
    Column("announcing", Text),  # the dispatch that an officer is about to have signed for it
    at_least("ordinal", 1),
    UniqueConstraint("number"),
)

rectifying = table(
    "pouch_rectifying",
    # A rectification that waits for the officers' grants; drawn up anew, it takes the old one's
    # place, and recorded it goes.
    Column("seal", Text, ForeignKey("pouch_closing.seal"), primary_key=True),
    Column("ordinal", Integer, nullable=False),  # that it will have
    Column("author", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("request", Text, nullable=False),  # digest of the statement, which a salt hides
    Column("body", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    Column("granted", Text, nullable=False),  # canonical JSON list of officers
    at_least("ordinal", 1),
)

preparation = table(
    "pouch_preparation",
    # A closing that waits for the officers' grants: its number is taken, and what is to be signed
    # lies here from the drawing up to the seal. A piece laid in or taken out makes that void.
    Column("seal", Text, ForeignKey("pouch_closing.seal"), primary_key=True),
    Column("departure", Text, ForeignKey("pouch_departure.departure_id"), nullable=False),
    Column("number", Text, nullable=False),  # of the bordereau, whatever is drawn up anew
    Column("ordinal", Integer),  # NULL: void
    Column("closer", Text, ForeignKey("officer.officer_id")),
    Column("claims", LargeBinary),  # what the custodian is to sign; NULL: void
    Column("head", LargeBinary),
    Column("nonce_sha256", Text),
    Column("certifier", Text),
    Column("absent", Text),  # canonical JSON list of codes
    Column("waybill", Text),  # hash of the waybill's ciphertext
    Column("body", LargeBinary),  # age ciphertext to the bureau's card
    Column("granted", Text, nullable=False),  # canonical JSON list of officers
    at_least("ordinal", 1),
    UniqueConstraint("number"),
    UniqueConstraint("departure", "ordinal"),
)

destruction = table(
    "pouch_destruction",
    # An item that two persons destroyed once the bag was open; `line` is the bordereau's.
    Column("seal", Text, ForeignKey("pouch_closing.seal"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("first", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("ordered_by", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("destroyed_at", Text, nullable=False),
    at_least("line", 1),
)

cargo = table(
    "pouch_cargo",
    # Which controlled item lies in which piece: its receiver signs for it once the bag allows it.
    Column("piece", Text, ForeignKey("pouch_hand_in.number"), primary_key=True),
    Column("item", Long, ForeignKey("controlled_item.item"), primary_key=True),
    Index("ix_pouch_cargo_item", "item", "piece"),
)

photograph = table(
    "pouch_photograph",
    # What a seal or a bag looked like; stripped of what a camera adds, and only as ciphertext.
    Column("photograph_id", Text, primary_key=True),
    Column("seal", Text, ForeignKey("pouch_closing.seal"), nullable=False),
    Column("post", Text, ForeignKey("post.code"), nullable=False),  # who brought it
    Column("officer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("sha256", Text, nullable=False),  # of the file as it came: the same twice is one
    Column("body", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    one_of("subject", "seals", "bag", "item"),
    UniqueConstraint("seal", "sha256"),
)

event = table(
    "pouch_event",
    Column("seq", Long, Identity(), primary_key=True),  # order of arrival
    Column("event_id", Text, nullable=False),
    Column("seal", Text, nullable=False),  # no foreign key: an unannounced seal is news too
    Column("kind", Text, nullable=False),
    Column("device", Text, ForeignKey("pouch_device.device_id"), nullable=False),
    Column("counter", Long, nullable=False),
    Column("place", Text, nullable=False),
    Column("caller", Text, ForeignKey("post.code"), nullable=False),  # who brought it
    Column("recorded_at", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # as it was signed
    UniqueConstraint("event_id"),
    Index("ix_pouch_event_seal", "seal", "seq"),
    # Two events with one counter are a fact about the device, so this is no unique key.
    Index("ix_pouch_event_device", "device", "counter"),
)

receipt = table(
    "pouch_receipt",
    # Granted once for each closing, whoever else comes with the same seal.
    Column("seal", Text, ForeignKey("pouch_closing.seal"), primary_key=True),
    Column("event_id", Text, ForeignKey("pouch_event.event_id"), nullable=False),
    Column("post", Text, ForeignKey("post.code"), nullable=False),
    Column("granted_at", Text, nullable=False),
    Column("discharge", Text, ForeignKey("pouch_event.event_id")),  # the event with the nonce
)

alarm = table(
    "pouch_alarm",
    Column("seq", Long, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # a seal, or a device
    Column("events", Text, nullable=False),  # canonical JSON list of ids
    Column("places", Text, nullable=False),  # likewise of codes
    Column("raised_at", Text, nullable=False),
    # The list of events may be longer than an index entry; the one writer keeps it unique.
    Index("ix_pouch_alarm_subject", "subject", "seq"),
)

pack = table(
    "pouch_pack",
    # The newest sync pack of each post; older ones are worth nothing to anybody.
    Column("post", Text, ForeignKey("post.code"), primary_key=True),
    Column("version", Long, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("mark", Text, nullable=False),  # hash of what it was made from
    Column("body", LargeBinary, nullable=False),  # as it was signed
    at_least("version", 1),
)

physical_seal = table(
    "pouch_physical_seal",
    Column("number", Text, primary_key=True),
    Column("place", Text, ForeignKey("post.code"), nullable=False),  # whose stock
    Column("type", Text, nullable=False),
    Column("strength", Text),
    Column("state", Text, nullable=False),
    Column("closing", Text, ForeignKey("pouch_closing.seal")),
    Column("issued", Integer, nullable=False),
    one_of("type", "wax", "lead", "plastic", "bolt"),
    one_of("state", "stocked", "issued", "applied", "broken", "voided", "destroyed"),
    Index("ix_pouch_physical_seal_stock", "place", "state", "number"),
)
index_where(
    physical_seal.c.closing.is_not(None), "ix_pouch_physical_seal_closing", physical_seal.c.closing
)

seal_movement = table(
    "pouch_seal_movement",
    Column("seq", Long, Identity(), primary_key=True),
    Column("number", Text, ForeignKey("pouch_physical_seal.number"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("first", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("moved_at", Text, nullable=False),
)

discrepancy = table(
    "pouch_discrepancy",
    Column("discrepancy_id", Text, primary_key=True),
    Column("seal", Text, ForeignKey("pouch_closing.seal"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),  # a seal's number or a line's; empty for the bag
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reporter", Text, nullable=False),
    Column("reported_at", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    Column("due", Text),  # NULL once closed
    one_of("severity", "breach", "incident"),
    one_of("state", "reported", "notified", "assessed", "closed"),
    Index("ix_pouch_discrepancy_due", "due"),
)

discrepancy_step = table(
    "pouch_discrepancy_step",
    Column("seq", Long, Identity(), primary_key=True),
    Column(
        "discrepancy",
        Text,
        ForeignKey("pouch_discrepancy.discrepancy_id"),
        nullable=False,
        index=True,
    ),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("officer", Text, nullable=False),
    Column("at", Text, nullable=False),
)
