"""The ministry at work: it remembers, decides, records, and shows itself through its faces."""
