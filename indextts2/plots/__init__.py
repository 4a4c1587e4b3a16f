"""Pictures of the values that travel between stages, drawn with Pillow and numpy only.

Each function takes plain values and returns (height, width, 3) float32 in 0..1, which is one image of the host's IMAGE.
"""
