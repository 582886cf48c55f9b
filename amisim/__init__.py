"""A fake Asterisk."""
