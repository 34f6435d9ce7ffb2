"""Frames of OpenCV, from a film in place of a camera, are watched and kept."""

import av
import cv2
import numpy as np

from sam2_backend import LiveVideo

with av.open("film.mp4", "w") as out:
    stream = out.add_stream("h264", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for n in range(5):
        rgb = np.full((48, 64, 3), 40 * n, np.uint8)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb)))
    out.mux(stream.encode())

capture = cv2.VideoCapture("film.mp4")
live = LiveVideo(capture)
assert live.wait(5, timeout=20)
assert live[4].mean() > live[0].mean()
live.close()
