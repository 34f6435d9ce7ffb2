"""What a notebook keeps of a widget: saved as a person does, and the picture in it."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
from playwright.sync_api import Page

from tests.browser.lab import Lab

PICTURE = ".jp-OutputArea-child:has(img[src^='data:image/jpeg'])"
"""The output with it on a page."""


def save_notebook(page: Page, lab: Lab) -> nbformat.NotebookNode:
    """Save the notebook as a person does, and read the file."""
    path = page.evaluate(
        """async () => {
            const { commands, shell } = window.jupyterapp;
            await commands.execute("docmanager:save");
            return shell.currentWidget.context.path;
        }"""
    )
    return nbformat.read(Path(lab.folder) / path, as_version=4)


def outputs_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The outputs of the widget's cell."""
    [outputs] = [
        cell.outputs
        for cell in notebook.cells
        if cell.cell_type == "code"
        and any(
            "application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in cell.outputs
        )
    ]
    return outputs


def text_of(notebook: nbformat.NotebookNode) -> str:
    """What is said of the widget beside its picture; "" as long as there is none."""
    outputs = outputs_of(notebook)
    return "".join(one.data["text/plain"] for one in outputs if "image/jpeg" in one.get("data", {}))


def picture_of(notebook: nbformat.NotebookNode) -> tuple[list[str], bytes]:
    """The kinds of the outputs of the widget's cell, and the picture among them."""
    outputs = outputs_of(notebook)
    kinds = [sorted(one.data)[0] for one in outputs]
    [jpeg] = [one.data["image/jpeg"] for one in outputs if "image/jpeg" in one.get("data", {})]
    return kinds, base64.b64decode(jpeg)
