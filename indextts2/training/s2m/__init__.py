"""Training semantic-to-mel by flow matching."""
