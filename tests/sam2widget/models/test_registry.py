"""What a family of models of another package is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sam2widget.models import registry
from sam2widget.models.source import check_model


@pytest.mark.parametrize("model", [Path("weights/of/mine"), "weights/of/mine"])
def test_a_family_is_asked_about_what_was_given(monkeypatch, model):
    asked = []

    def accepts(given):
        asked.append(given)
        return True

    family = registry.ModelFamily(lambda *_: None, accepts)
    monkeypatch.setattr(registry, "names", lambda _: ["hf", "sam2", "mine"])
    monkeypatch.setattr(registry, "_family", lambda _: family)
    check_model(model)
    assert asked == [model] and type(asked[0]) is type(model)
