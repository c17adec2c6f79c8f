"""What decides. Values and pure functions only: no clock, no I/O, no logging."""
