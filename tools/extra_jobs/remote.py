"""A picture read by URL."""

import functools
import http.server
import threading
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_backend import open_video

FRAME = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
folder = Path("site")
folder.mkdir()
for n in range(2):
    Image.fromarray(FRAME).save(folder / f"{n}.png")
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
site = f"http://127.0.0.1:{server.server_port}"
video = open_video(f"{site}/")
assert len(video) == 2
assert np.array_equal(video[1], FRAME)
server.shutdown()
