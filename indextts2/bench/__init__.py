"""Times every stage and counts the memory each one needs."""
