"""What a widget leaves in a notebook: its view, a line of text, and a picture."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from sam2_backend.video import Video, VideoError

from ...annotation.session import Session
from ...runtime.widget_state import WidgetState
from .saved_output import SavedOutput, can_refresh
from .summary import describe_counts, draw_picture


class NotebookOutput:
    """Describes and draws a widget, for who reads the notebook without a kernel.

    Parameters
    ----------
    session : of the widget.
    get_video : gives its video.
    state : whose frame is drawn.
    is_busy : whether the model is at work on many frames.
    """

    def __init__(
        self,
        session: Session,
        get_video: Callable[[], Video],
        state: WidgetState,
        is_busy: Callable[[], bool],
    ) -> None:
        self._session = session
        self._get_video = get_video
        self._state = state
        self._saved = SavedOutput(self.describe, self._draw, is_busy)
        session.listen(self._saved.note)

    def describe(self, *, is_closed: bool = False) -> str:
        """A line such as "Sam2Widget('dog.mp4', 289 frames, 2 objects, 41 % tracked)"."""
        video = self._get_video()
        closed = ", closed" if is_closed else ""
        return f"Sam2Widget({video.name!r}, {describe_counts(video, self._session)}{closed})"

    def with_picture(self, bundle: Any) -> Any:
        """A bundle of representations of the widget, and a picture as one more."""
        jpeg = self._draw()
        if bundle is None or jpeg is None:
            return bundle
        data, metadata = bundle
        return {**data, "image/jpeg": base64.b64encode(jpeg).decode("ascii")}, metadata

    def display(self, bundle: Any) -> None:
        """Show the widget, and in an output beside it what is renewed as the work goes on.

        Raises
        ------
        NotImplementedError
            Where the page would show both.
        """
        if bundle is None or not can_refresh():
            raise NotImplementedError
        from IPython.display import publish_display_data

        data, metadata = bundle
        video = self._get_video()
        # This output stays as it is: it leaves out what changes.
        text = f"Sam2Widget({video.name!r}, {len(video)} frames)"
        publish_display_data({**data, "text/plain": text}, metadata)
        self._saved.show()

    def note(self) -> None:
        """Note that another frame is shown. Any thread."""
        self._saved.note()

    def note_visible(self) -> None:
        """Note that a page shows the widget. Any thread."""
        self._saved.note_visible()

    def close(self, *, refresh: bool) -> None:
        """Draw the last picture, if something has changed since the one before."""
        self._saved.close(refresh=refresh)

    def _draw(self) -> bytes | None:
        """A JPEG of the frame that is shown, with its masks; None where it cannot be read."""
        video = self._get_video()
        try:
            return draw_picture(video, self._session, int(self._state.frame), video.name)
        except VideoError:
            return None
