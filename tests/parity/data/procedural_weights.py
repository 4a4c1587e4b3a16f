"""Deterministic stand-in weights for the full-size parity fixtures.

Only numpy's frozen legacy generator is used, so every machine gets the same
numbers.  `fill(key, shape)` depends on the checkpoint key and the shape alone.
"""

import math
import zlib

import numpy as np

GAIN = {"campplus": 1.25, "s2mel": 0.7, "bigvgan": 1.0, "semantic_codec": 1.0}


def fill(family, key, shape):
    """float32 array for one floating-point tensor of a checkpoint.

    family: one of GAIN's names; key: checkpoint key without the outer nesting
    (for s2mel: "cfm.estimator....", "length_regulator....", "gpt_layer....").
    """
    rs = np.random.RandomState(zlib.crc32((family + "/" + key).encode("utf-8")))
    n = int(np.prod(shape)) if len(shape) else 1
    if key.endswith("freqs"):
        half = shape[0]
        return np.exp(-math.log(10000.0) * np.arange(half, dtype=np.float64) / half).astype(np.float32)
    if key.endswith("running_var"):
        a = 0.6 + rs.rand(n)
    elif key.endswith("running_mean"):
        a = 0.1 * rs.randn(n)
    elif key.endswith("weight_g"):
        a = 0.5 + 0.5 * rs.rand(n)
        if key == "conv_post.weight_g":
            a = 0.1 * a
    elif key.endswith((".alpha", ".beta")):
        a = 0.4 * rs.randn(n)
    elif key.endswith("gamma"):
        a = 0.3 + 0.1 * rs.randn(n)
    elif len(shape) >= 2:
        a = GAIN[family] * rs.randn(n) / math.sqrt(float(np.prod(shape[1:])))
    elif key.endswith("bias"):
        a = 0.1 * rs.randn(n)
    else:
        a = 1.0 + 0.2 * rs.randn(n)
    return a.reshape(shape).astype(np.float32)
