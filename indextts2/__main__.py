"""`python -m indextts2`."""

import os
import sys
from collections.abc import MutableMapping

from .cli.main import main

WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Read by the OpenMP library when torch loads it. Its threads spin where they wait for each other, so that on a machine
with other work two threads are up to ten times slower than one; passive ones sleep instead."""

SCRIPT = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16", "LRU_CACHE_CAPACITY": "16"}
"""A script brings ever new shapes, whose kernels two caches of torch would otherwise keep by the thousand."""


def prepare_process(command: str, environment: MutableMapping[str, str]) -> None:
    """Settings of libraries that are read when torch is imported, where the user has set none.

    Here and not in the library, since only this process is ours.
    """
    for name, value in {**WAITING, **(SCRIPT if command == "script" else {})}.items():
        environment.setdefault(name, value)


if __name__ == "__main__":
    prepare_process(sys.argv[1] if len(sys.argv) > 1 else "", os.environ)
    sys.exit(main())
