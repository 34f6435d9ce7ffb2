"""`sam2widget versions`, which people paste into reports."""

from __future__ import annotations

import platform
from importlib.metadata import version

from sam2widget.cli.main import main


def test_it_names_what_takes_part_and_what_is_not_installed(capsys, monkeypatch):
    monkeypatch.setattr("sam2widget.cli.commands.versions.PACKAGES", ("torch", "no-such-package"))
    assert main(["versions"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["python"] == platform.python_version()
    assert lines["torch"] == version("torch")
    assert lines["no-such-package"] == "not installed"
    assert lines["device"].split()[0] in ("cpu", "cuda", "mps")
