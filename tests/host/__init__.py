"""A strict stand-in for the part of ComfyUI that the pack talks to. See `machine.py` for how tests use it."""
