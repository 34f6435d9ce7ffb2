"""A video is propagated by a worker of Ray."""

import json

import numpy as np
from PIL import Image

from sam2widget import propagate_many, read_session

for n in range(3):
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(f"{n}.png")
prompts = [{"frame": 0, "points": [[30, 20, 1]], "box": None}]
job = {"model": "nano", "video": ".", "objects": [{"id": 1, "name": "a", "prompts": prompts}]}
with open("job.json", "w", encoding="utf-8") as file:
    json.dump(job, file)
report = propagate_many("job.json", "out", engine="ray", workers=1)
assert not report.failed, report
assert len(read_session(report.outcomes[0].job.target).results) == 3
