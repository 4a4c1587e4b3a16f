"""The training loop: parts, recipes, resumable state, curves, and the export of what was trained."""
