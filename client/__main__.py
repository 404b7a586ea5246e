"""`python -m client`, which is `labelry` where it is installed."""

import sys

from .cli import main

sys.exit(main())
