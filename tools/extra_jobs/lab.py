"""JupyterLab has the parts of the widget that anywidget brings, and a kernel to run it in."""

import subprocess
import sys

jupyter = [sys.executable, "-m", "jupyter"]
found = subprocess.run(
    [*jupyter, "labextension", "list"], capture_output=True, text=True, check=True
)
listed = found.stdout + found.stderr
assert "anywidget" in listed and "@jupyter-widgets/jupyterlab-manager" in listed, listed
kernels = subprocess.run(
    [*jupyter, "kernelspec", "list"], capture_output=True, text=True, check=True
)
assert "python3" in kernels.stdout
