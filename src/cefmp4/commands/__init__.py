"""The commands beside `run`, by topic; `cli` puts them together. None needs the claim."""
