"""Stand-in for the host's services."""
