"""`cipher-verify`: checks an exported log with nothing of the service (LOG.md)."""
