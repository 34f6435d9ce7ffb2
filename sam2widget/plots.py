"""Figures of a segmentation: contact sheets, overlays, measures over time, trajectories."""

from .export.plots import Measure, Plot, contact_sheet, over_time, overlay, trajectory

__all__ = ["Measure", "Plot", "contact_sheet", "over_time", "overlay", "trajectory"]
