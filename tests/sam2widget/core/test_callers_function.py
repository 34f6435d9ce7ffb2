"""What a caller's function raises is told from what fails otherwise."""

from __future__ import annotations

import pytest

from sam2widget.core.callers_function import CallersFunction


class Mine(Exception):
    pass


def fail(*_):
    raise Mine("mine") from KeyError("cause")


def test_what_came_of_it_is_raised_with_the_callers_own_cause():
    call = CallersFunction(fail)
    with pytest.raises(Mine) as told:
        try:
            try:
                call()
            except Mine as error:
                raise RuntimeError("a library's") from error
        except RuntimeError as error:
            call.reraise(error)
    assert told.value is call.error and isinstance(told.value.__cause__, KeyError)


def test_one_that_was_swallowed_is_not_raised_at_a_later_failure():
    call = CallersFunction(fail)
    with pytest.raises(Mine):
        call()
    call.reraise(RuntimeError("another"))
