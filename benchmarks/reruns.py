"""Memory and threads after each of ten runs of a cell that makes a widget.

python -m benchmarks.reruns
python -m benchmarks.reruns --model sam2.1-hiera-tiny --runs 20
"""

from __future__ import annotations

import argparse
import gc
import os
import threading
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from sam2_backend import Sam2Model

CELL = """
w = Sam2Widget(film, model=model, autosave=False)
w.add_point(0, 320, 180)
w.propagate()
w
"""


def resident_mib() -> float:
    """Memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Print models, threads and memory in MiB after each run of the cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    shell = InteractiveShell.instance()
    shell.run_cell("import numpy as np; from sam2widget import Sam2Widget")
    shell.run_cell("film = np.random.default_rng(0).integers(0, 256, (8, 360, 640, 3), np.uint8)")
    shell.run_cell(f"model = {arguments.model!r}")
    print("run  models  threads  memory (MiB)")
    for run in range(1, arguments.runs + 1):
        shell.run_cell(CELL, store_history=True, cell_id="cell").raise_error()
        gc.collect()
        models = sum(isinstance(one, Sam2Model) for one in gc.get_objects())
        print(f"{run:3}  {models:6}  {threading.active_count():7}  {resident_mib():12.0f}")
    shell.user_ns["w"].close()


if __name__ == "__main__":
    main()
