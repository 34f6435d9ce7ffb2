"""Who works on which session file: one page at a time, so that no file has two writers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

MAX_ENDED = 1000
"""Pages that were ended of which the reason is kept."""


@dataclass(frozen=True)
class Person:
    """Who is at a browser: known by a cookie, and called by a name that they gave."""

    id: str
    name: str


@dataclass(eq=False)
class Claim:
    """A session file, held for a person's page."""

    session: Path
    title: str
    """Of the video, as people read it."""
    person: Person
    device: str | None
    """On which its model runs; None for the best there is."""
    since: datetime = field(default_factory=datetime.now)
    kernel_id: str | None = None
    """None while none is started yet."""
    alone_since: float | None = None
    """When it was first seen without a page, by a clock that only goes forward."""

    def describe(self) -> str:
        """Say who has had it since when, as the begin of a sentence."""
        return f"{self.person.name} has had {self.title} open since {self.since:%H:%M}"


class HeldError(Exception):
    """Another person's page holds the session file.

    Parameters
    ----------
    claim : of that person.
    """

    def __init__(self, claim: Claim) -> None:
        super().__init__(f"{claim.describe()}.")
        self.claim = claim


class BusyError(Exception):
    """All workers are in use; the message says by whom."""


class Claims:
    """The claims on all session files, and which devices they use.

    Parameters
    ----------
    devices : that there are; None for the best there is.
    workers : pages that may be open at a time.
    """

    def __init__(self, devices: Sequence[str | None], workers: int) -> None:
        self._devices = list(devices)
        self._workers = workers
        self._by_session: dict[Path, Claim] = {}
        self._ended: dict[str, str] = {}

    def __iter__(self) -> Iterator[Claim]:
        return iter(list(self._by_session.values()))

    def get(self, session: Path) -> Claim | None:
        """Find who holds a session file."""
        return self._by_session.get(session)

    def find(self, kernel_id: str) -> Claim | None:
        """Find the claim of a kernel."""
        return next((one for one in self if one.kernel_id == kernel_id), None)

    def add(self, session: Path, title: str, person: Person) -> Claim:
        """Hold a session file for a person, on the device that has the fewest pages.

        Raises
        ------
        HeldError
            When it is held, also by another page of the same person.
        BusyError
            When there is no worker left.
        """
        held = self._by_session.get(session)
        if held is not None:
            raise HeldError(held)
        if len(self._by_session) >= self._workers:
            who = "; ".join(one.describe() for one in self)
            one_or_all = (
                "The one worker is" if self._workers == 1 else f"All {self._workers} workers are"
            )
            raise BusyError(
                f"{one_or_all} in use: {who}. Wait until a page is closed, or ask whoever runs "
                "the server for more with --workers."
            )
        used = [one.device for one in self]
        device = min(self._devices, key=used.count)
        claim = self._by_session[session] = Claim(session, title, person, device)
        return claim

    def end(self, claim: Claim, reason: str) -> None:
        """Let go of a session file, and keep why for the page that had it."""
        if self._by_session.get(claim.session) is claim:
            del self._by_session[claim.session]
        if claim.kernel_id is not None:
            self._ended[claim.kernel_id] = reason
            while len(self._ended) > MAX_ENDED:
                del self._ended[next(iter(self._ended))]

    def why_ended(self, kernel_id: str) -> str:
        """Say why a page is no more."""
        return self._ended.get(kernel_id, "This page was ended: open the video again.")
