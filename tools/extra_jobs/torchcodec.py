"""A film is decoded by TorchCodec, here on the CPU, as PyAV decodes it."""

import av
import numpy as np

from sam2_backend.video import open_video

with av.open("film.mp4", "w") as out:
    stream = out.add_stream("h264", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for n in range(5):
        rgb = np.full((48, 64, 3), 40 * n, np.uint8)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb)))
    out.mux(stream.encode())

ours, expected = open_video("film.mp4", decoder="torchcodec"), open_video("film.mp4")
assert len(ours) == len(expected) == 5
for t in (4, 0, 2):
    assert np.abs(ours[t].astype(int) - expected[t].astype(int)).max() <= 3
