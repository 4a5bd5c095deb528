"""``python -m leadline`` is ``leadline``."""

import sys

from leadline_cli import main

sys.exit(main())
