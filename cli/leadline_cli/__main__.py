"""``python -m leadline_cli`` is the command ``leadline``."""

import sys

from leadline_cli import main

sys.exit(main())
