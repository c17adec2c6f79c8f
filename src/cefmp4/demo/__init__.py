"""A demonstration that needs nothing from outside: real recorders against real servers."""
