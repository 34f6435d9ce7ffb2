"""The widget in Shiny for Python: `shiny run shiny_app.py`."""

import os

from shiny import App, ui
from shinywidgets import output_widget, render_widget

from sam2widget import Sam2Widget
from sam2widget.samples import sample_clip


def server(input, output, session):
    """A widget for each person who opens the page."""

    @render_widget
    def w():
        return Sam2Widget(
            sample_clip().frames_thw3,
            model=os.environ.get("SAM2WIDGET_MODEL", "auto"),
            autosave=False,
        )


app = App(ui.page_fluid(output_widget("w")), server)
