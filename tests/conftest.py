"""Markers, and fixtures for tests that compare with the official implementation."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from xdist.scheduler import LoadScopeScheduling

from sam2_backend import Sam2Model
from tests.oracle import official as oracle
from tools import release
from tools.lowest import read_project

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


def find_missing() -> Iterator[str]:
    """What tests are skipped without: of the extra `test`, and files of the browser's decoder."""
    extras = read_project()["optional-dependencies"]
    left = [Requirement(text) for text in extras["test"]]
    while left:
        one = left.pop(0)
        if one.name == "sam2widget":
            left += [Requirement(text) for name in sorted(one.extras) for text in extras[name]]
        elif one.marker is None or one.marker.evaluate():
            try:
                found = metadata.version(one.name)
            except metadata.PackageNotFoundError:
                yield str(one)
                continue
            if not one.specifier.contains(found, prereleases=True):
                yield f"{one} (there is {found})"
    for name in sorted(release.DECODER_NEEDED):
        if not (release.DECODER / name).is_file():
            yield f"js/decoder/{name}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test` says --complete, since it has installed and built everything."""
    parser.addoption(
        "--complete",
        action="store_true",
        help="refuse to run where tests would be skipped for want of a library or the decoder",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to begin where --complete is said and something is missing."""
    if config.getoption("complete") and (missing := sorted(set(find_missing()))):
        raise pytest.UsageError(
            f"Tests would be skipped, since this is missing: {', '.join(missing)}. `make clean` "
            "and `make test` install and build it; without --complete pytest runs the rest."
        )


SERIAL = {"browser", "kernel", "test_examples.py", "test_soak.py", "test_ray.py", "test_plugins.py"}
"""Folders and files whose tests start processes that fill a small machine: one at a time."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by the folder that it is in. Those of several processes (a browser, a server,
    kernels) are run once more where they fail, and the summary lists them.

    """
    path = item.path.relative_to(Path(__file__).parent)
    folder = path.parts[0]
    if folder in ("browser", "kernel", "parity"):
        item.add_marker(folder)
    if folder in ("browser", "kernel"):
        item.add_marker(pytest.mark.flaky(reruns=1))


class ByGroup(LoadScopeScheduling):
    """Which tests stay in one process, where pytest-xdist runs them in several.

    Those of one file; those of `SERIAL`; and those that compare with the official models, which
    are built once.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        folder = path.parts[1] if len(path.parts) > 1 else ""
        if folder in SERIAL or path.name in SERIAL:
            return "serial"
        return "parity" if folder == "parity" else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Say who shares out the tests."""
    return ByGroup(config, log)


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
