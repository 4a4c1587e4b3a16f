"""Training text-to-semantic in the paper's three stages, and the latents it hands on."""
