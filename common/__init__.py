"""What the scripts share. `ls` shows what they import, and two rooms for what stands behind it."""

import sys
from importlib.util import find_spec

missing = [name for name in ("tensorflow", "keras", "numpy", "matplotlib") if find_spec(name) is None]
if missing:
    sys.exit(f"This Python lacks {', '.join(missing)}: python3 -m venv .venv && "
             ".venv/bin/pip install -r requirements.txt, and then .venv/bin/python in the place of python")  # fmt: skip
