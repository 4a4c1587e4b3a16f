"""Times and measures by hand; a script each, never a test."""
