"""``python -m gsseg``: the same as the command ``gsseg``."""

import sys

from gsseg.cli import main

sys.exit(main())
