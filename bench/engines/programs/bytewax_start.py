"""Starts the Bytewax dataflow as its command line does: recovery partitions made once, then `bytewax.run`."""

import os
import subprocess
import sys
from pathlib import Path

from rolling import arguments

task = arguments()
folder = Path(task["state"]) / "recovery"
if not folder.is_dir():
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "bytewax.recovery", str(folder), "1"], check=True)
told = ", ".join(repr(one) for one in sys.argv[1:])
flow = f"{Path(__file__).parent / 'bytewax_sums.py'}:flow({told})"
recovery = ["-r", str(folder), "-s", str(round(float(task["interval_s"]))), "-b", "0"]
os.execv(sys.executable, [sys.executable, "-m", "bytewax.run", flow, *recovery])
