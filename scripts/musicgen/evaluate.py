"""A doorway into Tunesmith: see README.md beside this file."""

import sys

from tunesmith.doorways.musicgen.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
