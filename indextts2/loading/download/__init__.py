"""Downloading checkpoints: what is published where, fetched on request, resumed and checked."""
