"""`logits.npy` and `logits_packed.npy`, the mask logits in a session file: written and read.

With them, a session that is opened again decides as before who has a pixel that two objects claim,
and its mattes are as soft as they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..annotation.records import Result
from ..core.masks.logits import MaskLogits
from ..core.schema import SchemaError

LOGITS = np.dtype(
    [
        ("result", "<i8"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("box", "<i4", (4,)),
        ("num_bytes", "<i8"),
    ]
)
"""Of a result with logits: its place among the records of results, ascending; the size of the grid;
y0, x0, y1, x1 of the cells that are kept; how many bytes they take packed."""

PACKED = np.dtype("u1")


def dump_logits(results: Iterable[Result]) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Give the records of logits and what is packed of all, one after another.

    Parameters
    ----------
    results : in the order of their records.
    """
    found = [(n, one.logits) for n, one in enumerate(results) if one.logits is not None]
    records = np.empty(len(found), LOGITS)
    records["result"] = [n for n, _ in found]
    records["height"] = [one.height for _, one in found]
    records["width"] = [one.width for _, one in found]
    records["box"] = np.array([one.box for _, one in found], np.int32).reshape(-1, 4)
    records["num_bytes"] = [len(one.packed) for _, one in found]
    return records, np.frombuffer(b"".join(one.packed for _, one in found), PACKED)


def build_logits(
    records: NDArray[Any], packed: NDArray[np.uint8], num_results: int
) -> list[MaskLogits | None]:
    """Make the logits of each result, None where it has none.

    Raises
    ------
    SchemaError
        When some are wrong; the message names their place.
    """
    places = records["result"]
    is_wrong_n = (places < 0) | (places >= num_results) | (np.diff(places, prepend=-1) <= 0)
    if is_wrong_n.any():
        n = int(is_wrong_n.argmax())
        raise SchemaError(
            f"'logits[{n}].result' is {places[n]}: there are {num_results} results, in ascending "
            "order"
        )
    sizes = records["num_bytes"].tolist()
    if min(sizes, default=0) < 0 or sum(sizes) != len(packed):
        raise SchemaError(
            f"'logits.npy' counts {sum(sizes)} bytes, but 'logits_packed.npy' holds {len(packed)}"
        )
    logits: list[MaskLogits | None] = [None] * num_results
    content, start = packed.tobytes(), 0
    columns = (places, records["height"], records["width"], records["box"])
    for n, (place, height, width, box) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        end = start + sizes[n]
        one = MaskLogits(height, width, (box[0], box[1], box[2], box[3]), content[start:end])
        try:
            one.check()
        except ValueError as error:
            raise SchemaError(f"'logits[{n}]' is wrong ({error})") from error
        logits[place] = one
        start = end
    return logits
