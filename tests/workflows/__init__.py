"""The example graphs as they are committed, and whether they run."""
