"""HDF5, zarr and a compressed TIFF are opened; ROIs and lineages are written, and read back."""

import h5py
import numpy as np
import tifffile
import zarr

from sam2_backend import open_video
from sam2widget import Sam2Widget, import_masks

STACK = np.random.default_rng(0).integers(0, 4000, (9, 30, 50), np.uint16)
with h5py.File("a.h5", "w") as file:
    file["stack"] = STACK
zarr.save_array("a.zarr", STACK)
tifffile.imwrite("a.tif", STACK, compression="zstd")
for name in ("a.h5", "a.zarr", "a.tif"):
    video = open_video(name)
    assert len(video) == 9, name
    assert np.array_equal(np.squeeze(video.raw(3)), STACK[3]), name

w = Sam2Widget(np.repeat(np.uint8(STACK[..., None] // 16), 3, axis=3), "nano", autosave=False)
w.add_point(4, 25, 15)
for name in ("rois.zip", "tracks.zarr"):
    path = w.export(name, "imagej" if name == "rois.zip" else "geff")
    assert import_masks(path, w.segmentation.video).masks.keys() == {(1, 4)}, name
w.close()
