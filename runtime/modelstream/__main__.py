"""``python -m modelstream`` is the command ``modelstream``."""

import sys

from modelstream.cli import main

sys.exit(main())
