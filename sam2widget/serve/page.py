"""The widget on a served page, in a kernel of its own: all that a person's browser can ask for.

Whoever reaches a notebook runs any code; whoever reaches a served page does not. So what the
widget does with paths and names of the kernel's machine is refused here.
"""

from __future__ import annotations

from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display
from ipywidgets import Widget

from ..bridge.protocol import Export, ProtocolError, ReplyTo, Request, SetModel, parse
from ..models.catalog import list_models
from ..widget.widget import Sam2Widget

COMM_TARGET = "jupyter.widget"
"""By which a browser makes widgets in the kernel; ours are made here alone."""


class ServedWidget(Sam2Widget):
    """A widget that writes its session's file alone, and loads models of its menu alone."""

    def _on_message(self, _: object, content: object, buffers: object) -> None:
        try:
            request = parse(content)
        except ProtocolError:
            pass  # what is wrong with it is said where all messages are read
        else:
            refusal = self._find_refusal(request)
            if refusal is not None:
                reply_to = ReplyTo(request.view, request.id)
                self._publisher.publish_error(reply_to, refusal)
                return
        super()._on_message(_, content, buffers)

    def _find_refusal(self, request: Request) -> str | None:
        match request:
            case Export(download=False):
                return (
                    "Files cannot be written on the server from here: download the export. The "
                    "session itself is saved by itself."
                )
            case SetModel(model=name) if name not in {one.name for one in list_models()}:
                return "Only the models of the menu can be used here."
            case _:
                return None


def show_video(*, video: str, session: str, **options: Any) -> None:
    """Show a video's widget in the page, or the sentence that says why it cannot be shown.

    Parameters
    ----------
    video : what opens it.
    session : path of the session file, in which each edit is saved.
    options : further ones of `Sam2Widget`.
    """
    shell: Any = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        shell.kernel.comm_manager.unregister_target(COMM_TARGET, Widget.handle_comm_opened)
    try:
        widget = ServedWidget(video, autosave=session, **options)
    except (ValueError, OSError) as error:
        display({"text/plain": str(error)}, raw=True)
        return
    display(widget)
