"""Who calls: posts, their API keys, the short tokens that carry them, and single use of proofs."""
