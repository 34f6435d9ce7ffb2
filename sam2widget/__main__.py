"""`python -m sam2widget`."""

import sys

from .cli.main import main

sys.exit(main())
