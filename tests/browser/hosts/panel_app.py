"""The widget in Panel: `panel serve panel_app.py`."""

import os

import panel as pn

from sam2widget import Sam2Widget
from sam2widget.samples import sample_clip

pn.extension("ipywidgets")
w = Sam2Widget(
    sample_clip().frames_thw3, model=os.environ.get("SAM2WIDGET_MODEL", "auto"), autosave=False
)
pn.pane.IPyWidget(w, sizing_mode="stretch_width").servable()
