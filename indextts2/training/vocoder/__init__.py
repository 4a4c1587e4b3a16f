"""Training the vocoder: spectral losses, discriminators, and a faster activation."""
