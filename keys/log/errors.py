"""What can be wrong with a log, a checkpoint of it or a proof, beyond `merkle.ProofInvalid`."""

from __future__ import annotations

from keys.errors import Refusal


class NoteMalformed(Refusal):
    """A signed note, a verifier key, a checkpoint or a proof file is not of its one form."""

    code = "NOTE_MALFORMED"


class NoteNotSigned(Refusal):
    """No signature of the key that must have signed stands under the note, or one is false."""

    code = "NOTE_NOT_SIGNED"


class LogKeyEnded(Refusal):
    """A key signed a checkpoint that is beyond the last one before another key took its place."""

    code = "LOG_KEY_ENDED"


class LogOfAnother(Refusal):
    """A checkpoint names another log than the one it is checked against."""

    code = "LOG_OF_ANOTHER"


class LogRolledBack(Refusal):
    """A checkpoint is of fewer entries than one that was signed or seen before."""

    code = "LOG_ROLLED_BACK"


class LogForked(Refusal):
    """Two checkpoints of one log do not continue each other: it tells two stories."""

    code = "LOG_FORKED"


class LogDamaged(Refusal):
    """A tile, an entry or a record of an exported log is missing or is not what was signed."""

    code = "LOG_DAMAGED"


class QuorumMissed(Refusal):
    """Fewer of the witnesses have cosigned a checkpoint than are demanded."""

    code = "QUORUM_MISSED"


class WitnessMalformed(Refusal):
    """A witness statement is not canonical JSON of its one shape, or not of this log or card."""

    code = "WITNESS_MALFORMED"
