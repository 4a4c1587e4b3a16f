"""`python -m indextts2`."""

import os
import sys

from .cli.main import main

KERNEL_STORE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
SCRIPT_KERNELS = "16"  # a script brings ever new shapes, whose kernels torch would otherwise keep by the thousand

if __name__ == "__main__":
    if sys.argv[1:2] == ["script"]:  # here and not in the library: this process is ours
        os.environ.setdefault(KERNEL_STORE, SCRIPT_KERNELS)
    sys.exit(main())
