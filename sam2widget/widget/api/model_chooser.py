"""Which model annotates a video, and which memory policy it follows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ...core.errors import SessionError
from ...models.segmenter import Segmenter
from ...runtime.controller import Controller
from ...runtime.model_loader import ModelLoader
from ..notebook.short_errors import shorten_errors


@shorten_errors
class ModelChooser:
    """The model that is in use, and others in its place.

    Parameters
    ----------
    controller : in whose thread the model works.
    models : loads others.
    """

    if TYPE_CHECKING:
        status: Any  # a trait of the widget

    def __init__(self, controller: Controller[Any], models: ModelLoader) -> None:
        self._controller = controller
        self._models = models

    @property
    def model(self) -> str:
        """Name of the model that is in use; "" before it is loaded. Set it to use another.

        >>> w.model = "sam2.1-hiera-large"  # what w.set_model("sam2.1-hiera-large") does
        """
        return str(self.status["model"])

    @model.setter
    def model(self, model: str | os.PathLike[str] | Segmenter | object) -> None:
        self.set_model(model)

    def set_model(
        self, model: str | os.PathLike[str] | Segmenter | object, device: str | None = None
    ) -> None:
        """Use another model from now on, once it is loaded.

        Objects and prompts stay, and the new model answers the prompts. What the one before has
        tracked is stale, which `propagate` tracks anew; accepted masks stay, and so does what you
        have painted or imported, and locked objects. The model at hand goes on until the other
        one is there; a propagation that runs then ends.

        Parameters
        ----------
        model : as for a new widget.
        device : to run on; that of the widget if None.

        Raises
        ------
        SessionError
            When it cannot be loaded, is no model, or its loading was cancelled in the view. The
            model at hand stays then.
        """
        if self._controller.is_current_thread:
            raise SessionError(
                "set_model() waits for the model's thread, so it cannot be called in that thread, "
                "as an observer of the widget's traits is."
            )
        future = self._models.switch(model, device)
        try:
            future.result()
        except KeyboardInterrupt:
            self._models.cancel()
            raise

    @property
    def memory(self) -> str:
        """Name of the memory policy that tracking follows; "" before the model is loaded.

        Set it to follow another: what was tracked is stale then, as with another model; prompts and
        accepted masks stay. It is saved with the session.

        >>> w.memory = "motion"
        >>> w.propagate()

        Raises
        ------
        SessionError
            When it is set to what is no policy, or the model follows none.
        """
        return str(self.status.get("memory", ""))

    @memory.setter
    def memory(self, memory: object) -> None:
        if self._controller.is_current_thread:
            raise SessionError(
                "memory waits for the model's thread, so it cannot be set in that thread, as an "
                "observer of the widget's traits is."
            )
        self._models.switch_memory(memory).result()
