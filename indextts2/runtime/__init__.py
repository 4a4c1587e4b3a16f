"""Services around a stage: placement of its models, interruption, kept reference encodings."""
