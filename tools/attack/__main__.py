"""`python -m tools.attack`."""

from . import main

raise SystemExit(main())
