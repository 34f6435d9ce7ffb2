"""The built front end, and what stands in its place where it is not built."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "static"
HOW_TO_BUILD = (
    "The front end of sam2widget is not built, so the widget cannot be shown. In a checkout, run "
    "'npm ci && npm run build' in the folder js/, then restart the kernel."
)
NOT_BUILT = f'export default {{ render({{ el }}) {{ el.textContent = "{HOW_TO_BUILD}"; }} }};'


def read_static(name: str, default: str) -> str:
    """The text of a file of the front end; `default` where it is not built.

    It is not a path: anywidget would watch a path for changes, and what watches it holds on to
    every widget for ever.
    """
    path = _FOLDER / name
    return path.read_text(encoding="utf-8") if path.is_file() else default
