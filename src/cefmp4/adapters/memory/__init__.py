"""Strict twins of the outside things, for tests: they allow only what every real one does."""
