"""`python3 -m bootstrap COMMAND`: checks the interpreter before it imports anything newer."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older python3 gets the remedy, not a traceback
    sys.exit(
        "cloudportal needs Python 3.11 or newer.\n"
        "Repair: install it and name it, for example: make PYTHON=python3.12 up"
    )

from bootstrap.cli import main

sys.exit(main(sys.argv[1:]))
