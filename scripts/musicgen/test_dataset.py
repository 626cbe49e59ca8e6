"""A doorway into Tunesmith: see README.md beside this file."""

import sys

from tunesmith.doorways.musicgen.checks import dataset_main

if __name__ == "__main__":
    sys.exit(dataset_main())
