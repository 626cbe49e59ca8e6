"""A doorway into Tunesmith: see README.md beside this file."""

import sys

from tunesmith.doorways.ace_step.convert2hf_dataset import main

if __name__ == "__main__":
    sys.exit(main())
