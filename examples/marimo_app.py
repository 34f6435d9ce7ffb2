"""The widget in marimo: `marimo edit examples/marimo_app.py`."""

import marimo

app = marimo.App()


@app.cell
def _():
    import os

    import marimo as mo

    from sam2widget import Sam2Widget
    from sam2widget.samples import sample_clip

    video = os.environ.get("SAM2WIDGET_VIDEO") or sample_clip().frames_thw3
    model = os.environ.get("SAM2WIDGET_MODEL", "auto")
    return Sam2Widget, mo, model, video


@app.cell
def _(Sam2Widget, mo, model, video):
    w = mo.ui.anywidget(Sam2Widget(video, model=model))
    w
    return (w,)


@app.cell
def _(w):
    w.panel
    return


@app.cell
def _(mo, w):
    mo.md(f"Frame {w.value['frame']}: {len(w.value['objects'])} objects")
    return


if __name__ == "__main__":
    app.run()
