"""Fine-tuning the official weights: low-rank adapters of text-to-semantic from a plain list of recordings and texts."""
