"""Tables by object and frame: read and written as dictionaries are, and copied by rows."""

from __future__ import annotations

from sam2widget.annotation.tables import FrameTable

VALUES = {(2, 5): "b", (1, 3): "a", (2, 0): "c"}


def test_a_table_is_the_mapping_that_it_was_made_of():
    table = FrameTable.of_mapping(VALUES)
    assert table == VALUES and len(table) == 3
    assert FrameTable.of_mapping(table) is table
    assert table.rows() == [(1, {3: "a"}), (2, {5: "b", 0: "c"})]
    assert table.to_dict() == VALUES


def test_what_is_not_there_is_the_default():
    table = FrameTable.of_mapping(VALUES)
    assert table.get((2, 5)) == table.get((2, 5), "z") == "b"
    assert table.get((2, 6)) is None and table.get((7, 0)) is None
    assert table.get((2, 6), "z") == table.get((7, 0), "z") == "z"


def test_a_table_is_filled_with_a_copy_and_tells_nobody():
    told: list[object] = []
    table: FrameTable[str] = FrameTable(lambda *change: told.append(change))
    source = FrameTable.of_mapping(VALUES)
    table.fill(source)
    assert table == VALUES and told == []
    table[1, 3] = "d"
    del table[2, 5]
    assert source == VALUES
    assert told == [(1, 3, "a", "d"), (2, 5, "b", None)]
