"""One file per outside thing; each translates its errors, none knows another."""
