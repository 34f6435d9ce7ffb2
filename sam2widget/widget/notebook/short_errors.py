"""Errors that show the line of a person's cell, and not the way of a call to the model's thread."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from ...runtime.error_texts import EXPECTED

C = TypeVar("C", bound=type)
P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger(__name__)
_FOLDER = Path(__file__).parents[2]
_FORWARDING = {
    *(
        str(_FOLDER / "runtime" / f"{name}.py")
        for name in ("blocking", "controller", "status", "worker")
    ),
    *(
        str(_FOLDER / "widget" / "api" / f"{name}.py")
        for name in ("annotator", "deprecation", "prompt_annotator", "proposal_annotator")
    ),
    str(_FOLDER / "widget" / "autosave_controller.py"),
    __file__,
    futures.__file__,
    str(Path(futures.__file__).with_name("_base.py")),
}
"""Where nothing happens but that a call is handed on and waited for."""


def shorten_errors(cls: C) -> C:
    """Let the public methods of a class raise errors with a short traceback.

    Of misuse, which a sentence says, nothing is left but the caller's line; of faults, what went on
    in the model's thread. The whole is logged at the level "debug".
    """
    for name, method in list(vars(cls).items()):
        if name.startswith("_"):
            continue
        if inspect.isfunction(method):
            setattr(cls, name, with_short_errors(method))
        elif isinstance(method, classmethod):
            setattr(cls, name, classmethod(with_short_errors(cast(Any, method).__func__)))
    return cls


def with_short_errors(method: Callable[P, R]) -> Callable[P, R]:
    """Let one method raise errors with a short traceback, as `shorten_errors` does."""
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def wait(*args: P.args, **options: P.kwargs) -> Any:
            try:
                return await method(*args, **options)
            except Exception as error:
                raise _with_short_traceback(error, method, args, options) from error.__cause__

        return cast("Callable[P, R]", wait)

    @functools.wraps(method)
    def call(*args: P.args, **options: P.kwargs) -> R:
        try:
            return method(*args, **options)
        except Exception as error:
            raise _with_short_traceback(error, method, args, options) from error.__cause__

    return call


def _with_short_traceback(
    error: Exception, method: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]
) -> Exception:
    _log.debug("%s failed", method.__name__, exc_info=error)
    wrong = _wrong_call(method, args, options) if isinstance(error, TypeError) else ""
    if wrong:
        return TypeError(wrong)
    if isinstance(error, EXPECTED):
        return error.with_traceback(None)
    return error.with_traceback(_without_forwarding(error.__traceback__))


def _wrong_call(method: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> str:
    """What is wrong with the arguments of a call, and which there are; "" if nothing is.

    Python's own text names a class that nobody has heard of.
    """
    signature = inspect.signature(method)
    try:
        signature.bind(*args, **options)
    except TypeError as error:
        name = "Sam2Widget" if method.__name__ == "__init__" else method.__name__
        own = [
            name
            for name, parameter in list(signature.parameters.items())[1:]
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        unknown = [name for name in options if name not in signature.parameters]
        said = (
            f"has no argument {', '.join(unknown)}" if unknown else f"cannot be called so: {error}"
        )
        return f"{name}() {said}. It takes {', '.join(own) or 'none'}."
    return ""


def _without_forwarding(traceback: TracebackType | None) -> TracebackType | None:
    if traceback is None:
        return None
    following = _without_forwarding(traceback.tb_next)
    if traceback.tb_frame.f_code.co_filename in _FORWARDING:
        return following
    return TracebackType(following, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
