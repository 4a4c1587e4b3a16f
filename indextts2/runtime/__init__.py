"""What runs around a stage: where its models lie, and how it is interrupted."""
