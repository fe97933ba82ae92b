"""What a program costs, seen from outside.

Linux counts as a process's memory what the process that starts it has had, too: so a small one comes in between, this
file as a program.
"""

import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

from plots.reference.variants import ROOT

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that the operating system counts as one, of a process's memory


def run(*arguments: object, **environment: str) -> list[float]:
    """Run Python with these arguments in the project's root, or end this program if that fails.

    Return what it costs: seconds by the clock, seconds of the processor's cores, megabytes at the peak. Not on Windows.
    """
    print(*arguments, file=sys.stderr)
    command = [sys.executable, "-m", "plots.reference.costs", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | environment)
    if done.returncode:
        sys.exit("It failed: what it said is above.")
    return [float(number) for number in done.stdout.split()]


def processor() -> str:
    """Return the processor's kind as `lscpu` has it, "AuthenticAMD family 25 model 17"; on a Mac "arm"."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    facts = dict(re.findall(r"(vendor_id|cpu family|model)\s*: (.*)", cpuinfo.read_text()))
    return f"{facts['vendor_id']} family {facts['cpu family']} model {facts['model']}"


if __name__ == "__main__":
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * UNIT / 1e6)
    sys.exit(status != 0)
