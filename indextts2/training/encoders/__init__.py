"""Training the semantic encoder, the codec and the style encoder."""
