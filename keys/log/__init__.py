"""The log that outsiders can verify: signed notes, checkpoints, tiles, proofs (LOG.md)."""
