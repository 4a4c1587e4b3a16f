"""Text to text token ids: normalisers, tokenizers and the segment splitter. Knows nothing of models."""
