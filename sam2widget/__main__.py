"""`python -m sam2widget`."""

import sys

from .cli import main

sys.exit(main())
