"""Run a script on a hundredth of the sample corpus: `python tests/tiny.py reuters_lstm.py [options]`.

Nothing else is changed: the same code trains, is stopped and resumes, only in seconds.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from common import sample

    sample.REVIEW_PAIRS = (100, 25)
    sample.NEWS_PAIRS = 125
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
