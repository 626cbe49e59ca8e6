"""Records the trajectories with any installation of Tunesmith, on one thread:

    python -m tests.trajectories.record PYTHON COMMIT

``PYTHON`` is the interpreter of the installation, ``COMMIT`` what it is of. The committed ones are those of the last
commit before the code was laid out in rooms. They are recorded anew only where a number is meant to change, and the
commit that does so says why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.trajectories.runs import HERE, RECIPES, lay_out, read

ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def record(python: str, commit: str) -> None:
    for family in RECIPES:
        with tempfile.TemporaryDirectory() as folder:
            lay_out(Path(folder), family)
            command = [python, "-m", "tunesmith", "train", folder]
            subprocess.run(command, check=True, env={**os.environ, **ONE_THREAD})
            updates = read(Path(folder))
        text = ",\n".join(f"    {json.dumps(update)}" for update in updates)
        record = f'{{\n  "family": "{family}",\n  "commit": "{commit}",\n  "updates": [\n{text}\n  ]\n}}\n'
        (HERE / f"{family}.json").write_text(record, encoding="utf-8")


if __name__ == "__main__":
    record(*sys.argv[1:])
