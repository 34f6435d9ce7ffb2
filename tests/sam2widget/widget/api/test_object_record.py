"""Objects are listed as records, which are JSON to the browser."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sam2widget import Sam2Widget
from sam2widget.annotation.records import ObjectInfo
from sam2widget.widget.api.object_record import ObjectRecord
from tests.support.fakes import DiscSegmenter


def test_a_record_is_read_by_name_and_by_key():
    record = ObjectRecord.of(ObjectInfo(3, "dog", "#2f7ff5", locked=True))
    assert (record.id, record.name, record.color) == (3, "dog", "#2f7ff5")
    assert record.visible and record.locked
    assert {name: getattr(record, name) for name in record} == record == dict(record)
    assert json.loads(json.dumps([record])) == [record]


def test_setting_a_name_says_how_the_object_itself_is_changed():
    record = ObjectRecord.of(ObjectInfo.numbered(2))
    with pytest.raises(AttributeError, match=r"w\.update_object\(2, name='cat'\)"):
        record.name = "cat"
    assert record.name == "Object 2"


def test_a_widgets_objects_are_records_and_go_to_the_browser_as_plain_json():
    widget = Sam2Widget(np.zeros((2, 12, 40, 3), np.uint8), DiscSegmenter(12, 40), autosave=False)
    try:
        widget.add_point(0, 10, 6)
        widget.update_object(1, name="dog")
        assert widget.objects[0].name == widget.objects[0]["name"] == "dog"
        state = widget.get_state("objects")["objects"]
        assert json.loads(json.dumps(state)) == [dict(widget.objects[0])]
    finally:
        widget.close()
