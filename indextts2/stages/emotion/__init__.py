"""Emotion vectors: where they come from, and how they are computed with."""
