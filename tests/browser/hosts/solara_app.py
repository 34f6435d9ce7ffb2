"""The widget in Solara: `solara run solara_app.py`."""

import os

import solara

from sam2widget import Sam2Widget
from sam2widget.samples import sample_clip


@solara.component
def Page():
    """A widget for each person who opens the page."""
    w = solara.use_memo(
        lambda: Sam2Widget(
            sample_clip().frames_thw3,
            model=os.environ.get("SAM2WIDGET_MODEL", "auto"),
            autosave=False,
        ),
        dependencies=[],
    )
    solara.display(w)
