"""What the daemon shows over HTTP. Read only, loopback unless told otherwise."""
