"""A widget that shows the clip of noise, and its page. A module may have a model of its own."""

import pytest

from sam2widget import Sam2Widget
from tests.support.browser import Browser, idle
from tests.support.clips import CLIP, HEIGHT, WIDTH
from tests.support.fakes import DiscSegmenter


@pytest.fixture
def segmenter():
    return DiscSegmenter(HEIGHT, WIDTH)


@pytest.fixture
def widget(segmenter, closing):
    widget = closing(Sam2Widget(CLIP, segmenter))
    widget.wait_until_loaded()
    return widget


@pytest.fixture
def browser(widget):
    browser = Browser(widget)
    browser.say("hello")
    idle(widget)
    return browser
