"""amikit in pytest."""
