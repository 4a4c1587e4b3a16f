"""Stand-in for the host's node interface."""
