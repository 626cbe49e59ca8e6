"""A doorway into Tunesmith: see train/README.md beside this file."""

import sys

from tunesmith.doorways.step_audio.finetune_demo import main

if __name__ == "__main__":
    sys.exit(main())
