"""``python -m tunesmith``: the same as the command, and what ``accelerate launch -m tunesmith train RUN`` starts."""

import sys

from tunesmith.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
