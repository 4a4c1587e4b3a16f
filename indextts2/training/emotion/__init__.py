"""Training text-to-emotion, and making the emotion bank."""
