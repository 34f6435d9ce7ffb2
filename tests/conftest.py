"""Markers, and fixtures for tests that compare with the official implementation."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sam2_backend import Sam2Model
from tests.oracle import official as oracle

# Widgets in tests begin anew, also those of kernels that tests start.
os.environ["SAM2WIDGET_AUTOSAVE"] = "off"
# Runs are compared bit by bit: threads are not chosen by what else the machine does.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

SMALL_INPUT = 256
"""Side of the network's input in these tests; `tests.parity.report` does the full size."""


class Twins(NamedTuple):
    """The official network and ours, with the same random weights."""

    name: str
    official: Any
    """A video predictor, which is also the network that image predictors are made of."""
    model: Sam2Model


SERIAL = {"browser", "kernel", "test_examples.py", "test_soak.py", "test_ray.py", "test_plugins.py"}
"""Folders and files whose tests start processes that fill a small machine: one at a time."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder that they are in. Those of several processes (a browser, a
    server, kernels) are run once more where they fail, and the summary lists them.

    Where pytest-xdist runs tests in two processes, those of one file stay in one, those of
    `SERIAL` too, and so do those that compare with the official models, which are built once.
    """
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        folder = path.parts[0]
        if folder in ("browser", "kernel", "parity"):
            item.add_marker(folder)
        if folder in ("browser", "kernel"):
            item.add_marker(pytest.mark.flaky(reruns=1))
        serial = folder in SERIAL or path.name in SERIAL
        group = "serial" if serial else "parity" if folder == "parity" else path.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def needs_oracle() -> None:
    """Skip where the official implementation is not installed."""
    missing = [m for m in ("sam2", "transformers") if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: pip install -e '.[oracle]'")


@pytest.fixture(scope="session", params=oracle.NAMES)
def twins(request: pytest.FixtureRequest, needs_oracle: None) -> Twins:
    """Each model in turn: pytest runs all tests of one before it builds the next."""
    official = oracle.build(request.param, SMALL_INPUT)
    return Twins(request.param, official, oracle.twin(official, request.param))
