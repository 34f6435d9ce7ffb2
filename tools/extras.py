"""Is every extra enough for what it is for? Run by `make test-extras`, after `make build`.

    python -m tools.extras             # each extra, in an environment of its own
    python -m tools.extras remote ray  # these

Installs the wheel in dist/ with one extra in a clean environment and runs the job in
tools/extra_jobs there; `all` does the jobs of all that it brings.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from packaging.requirements import Requirement

from .lowest import read_project
from .release import ROOT, version

JOBS = ROOT / "tools" / "extra_jobs"
UNTESTED = {"dev", "docs", "oracle", "test", "testing"}
"""Extras of this project's own work."""


def read_extras() -> dict[str, list[str]]:
    """The extras that users install, and the jobs of each; "none" stands for none of them."""
    asked = read_project()["optional-dependencies"]
    together = Requirement(asked["all"][0]).extras
    names = sorted(asked.keys() - UNTESTED - {"all"})
    missing = [name for name in names if not (JOBS / f"{name}.py").is_file()]
    if missing:
        sys.exit(f"tools/extra_jobs has no job for {', '.join(missing)}.")
    return {"none": ["none"], **{name: [name] for name in names}, "all": sorted(together)}


def try_out(extra: str, jobs: list[str], wheel: Path) -> str:
    """A row of the table: the wheel with an extra, installed and used outside the checkout."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True)
        python = f"{folder}/venv/bin/python"
        asked = str(wheel) if extra == "none" else f"{wheel}[{extra}]"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--find-links", str(wheel.parent)]  # sam2widget-decoder is there, too
        subprocess.run([*pip, "--constraint", f"{ROOT}/constraints.txt", asked], check=True)
        installed_s = time.monotonic() - began
        packages = subprocess.check_output([python, "-m", "pip", "freeze"], text=True).split("\n")
        for job in jobs:
            work = folder / job
            work.mkdir()
            (work / "tests").symlink_to(ROOT / "tests")
            (work / "job.py").write_text((JOBS / f"{job}.py").read_text(encoding="utf-8"))
            done = subprocess.run([python, "job.py"], cwd=work, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{extra}: the job {job} fails.\n{done.stdout}{done.stderr}")
    return f"| {extra} | {len(packages) - 1} | {installed_s:.0f} s | {', '.join(jobs)} |"


def main() -> None:
    """Try these extras, or all, and print a table."""
    known = read_extras()
    asked = sys.argv[1:] or list(known)
    if unknown := set(asked) - known.keys():
        sys.exit(f"No extra of sam2widget: {', '.join(sorted(unknown))}.")
    wheel = ROOT / "dist" / f"sam2widget-{version()}-py3-none-any.whl"
    print("| extra | packages | installed in | jobs done |\n|---|---|---|---|", flush=True)
    for extra in asked:
        print(try_out(extra, known[extra], wheel), flush=True)


if __name__ == "__main__":
    main()
