"""Languages and help pages as they are committed."""
