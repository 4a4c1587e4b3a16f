"""Text to semantic: the prefix, the decode loop with its search, and what is read off it."""
