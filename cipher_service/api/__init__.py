"""The API v1 for posts: a strict HTTP border over the service; RFC 9457 says no, by name."""
