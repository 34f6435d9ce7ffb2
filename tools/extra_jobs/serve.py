"""The command that serves videos starts, and answers who has the token."""

import re
import signal
import subprocess
import sys
import urllib.request

import numpy as np

np.save("clip.npy", np.zeros((3, 90, 160, 3), np.uint8))
command = [sys.executable, "-u", "-m", "sam2widget", "serve", "clip.npy", "--port", "0"]
with subprocess.Popen(
    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
) as server:
    assert server.stdout is not None
    url = next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
    with urllib.request.urlopen(url, timeout=60) as page:
        assert "clip.npy" in page.read().decode()
    server.send_signal(signal.SIGINT)
