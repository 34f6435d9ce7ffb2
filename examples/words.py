"""Find things by words: with a function of your own, and with a zero-shot detector.

    python examples/words.py

The first detector stands for a YOLO: a function that gets a picture and a text, and returns boxes.
The second is transformers' OWL-ViT, here a tiny one with random weights, made on the spot, so that
nothing is downloaded; what it finds means nothing. For a real one write
``w.detector = "zero-shot:google/owlv2-base-patch16-ensemble"`` or ``"sam3:facebook/sam3"``.
"""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import ndimage

from sam2widget import Detection, Sam2Widget
from sam2widget.samples import sample_clip


def find_colored(image_hw3: np.ndarray, text: str) -> list[Detection]:
    """Find what is orange or blue, as a YOLO finds the classes that it knows."""
    red, _, blue = np.moveaxis(image_hw3.astype(int), 2, 0)
    known = {"orange thing": red - blue > 70, "blue thing": blue - red > 40}
    if text not in known:
        return []
    parts_hw, _ = ndimage.label(ndimage.binary_opening(known[text], iterations=2))
    detections = []
    for rows, columns in ndimage.find_objects(parts_hw):
        box = columns.start, rows.start, columns.stop, rows.stop
        area = (box[2] - box[0]) * (box[3] - box[1])
        if area > 300:
            detections.append(Detection(text, score=min(area / 10_000, 1.0), box=box))
    return detections


def save_tiny_owlvit(folder: Path) -> None:
    """Write an OWL-ViT with random weights, as `save_pretrained` writes a real one."""
    import torch
    from transformers import (
        CLIPTokenizer,
        OwlViTConfig,
        OwlViTForObjectDetection,
        OwlViTImageProcessor,
    )

    small = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
    config = OwlViTConfig(
        text_config={
            **small,
            "vocab_size": 100,
            "num_hidden_layers": 1,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        vision_config={**small, "image_size": 64, "patch_size": 16, "num_hidden_layers": 1},
        projection_dim=16,
    )
    torch.manual_seed(0)
    model = OwlViTForObjectDetection(config)
    model.box_head.dense2.weight.data.mul_(0.01)  # boxes of a quarter of the picture's sides
    model.class_head.logit_shift.bias.data.fill_(1)  # sure enough to tell something
    model.save_pretrained(folder)
    CLIPTokenizer(
        {"!": 0, "<|startoftext|>": 1, "<|endoftext|>": 2}, model_max_length=16
    ).save_pretrained(folder)
    size = {"height": 64, "width": 64}
    OwlViTImageProcessor(size=size, do_center_crop=False).save_pretrained(folder)


def main() -> None:
    """Make objects of what both detectors find, and track them."""
    clip = sample_clip()
    model = os.environ.get("SAM2WIDGET_MODEL", "auto")
    w = Sam2Widget(clip.frames_thw3[:8], model, detector=find_colored, autosave=False)
    found = w.find("orange thing", frame=0)
    print(f"{len(found)} orange things: {[round(one.iou, 2) for one in found]}")
    w.adopt(0, found)
    w.adopt(0, w.find("blue thing", frame=0)[:1])
    w.add_point(4, 66, 176, obj=1)  # what was found is corrected as any other object
    w.propagate()
    print({info.name: int(np.asarray(w.masks[info.id]).sum()) for info in w.objects})

    if find_spec("transformers") is None:
        print('For the other one: pip install "sam2widget[transformers]"')
    else:
        with tempfile.TemporaryDirectory() as folder:
            save_tiny_owlvit(Path(folder))
            for one in w.find("zebra", frame=2, detector=f"zero-shot:{folder}"):
                print(f"proposal {one.id}, {one.name}: {one.mask.area} pixels")
    w.close()


if __name__ == "__main__":
    main()
