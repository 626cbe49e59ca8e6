"""A doorway into Tunesmith: see README.md beside this file."""

import sys

from tunesmith.doorways.musicgen.train_lora import main

if __name__ == "__main__":
    sys.exit(main())
