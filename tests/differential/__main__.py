"""Compare many random programs: python -m tests.differential N."""

import sys

from .runner import main

if __name__ == "__main__":
    sys.exit(main())
