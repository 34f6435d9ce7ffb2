"""Is what is in dist/ fit to be released? Run by `make release`, after `make build`.

Checks versions, metadata and contents, installs the wheel in clean environments on the oldest and
the newest Python that this machine has, and uses it there.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUPPORTED = [(3, minor) for minor in range(10, 15)]
NEEDED = {
    "sam2widget/static/widget.js",
    "sam2widget/static/widget.css",
    "sam2widget/py.typed",
    "sam2_backend/py.typed",
    "sam2_backend/checkpoints/weights/nano.safetensors",
    "sam2_backend/checkpoints/weights/nano.md",
}
SMOKE = """
import sys, time
began = time.perf_counter()
import sam2widget
took = time.perf_counter() - began
assert took < 0.5, f"import sam2widget took {took:.2f} s"
began = time.perf_counter()
from sam2widget import Sam2Widget
shown = time.perf_counter() - began
assert "torch" not in sys.modules, "torch is imported before it is needed"
import numpy as np
w = Sam2Widget(np.zeros((3, 90, 160, 3), np.uint8), "nano", autosave=False)
w.add_point(0, 80, 45)
w.propagate()
assert np.asarray(w.masks[1]).shape == (3, 90, 160)
print(f"{took:.3f} {shown:.3f}")
"""


def version() -> str:
    """The one version that everything says."""
    said = {
        "pyproject.toml": re.search(r'^version = "(.*)"', _read("pyproject.toml"), re.M),
        "sam2widget": re.search(r'^__version__ = "(.*)"', _read("sam2widget/__init__.py"), re.M),
        "CHANGELOG.md": re.search(r"^## \[(\d.*?)\]", _read("CHANGELOG.md"), re.M),
    }
    versions = {name: found[1] if found else "none" for name, found in said.items()}
    versions["js/package.json"] = json.loads(_read("js/package.json"))["version"]
    if len(set(versions.values())) > 1:
        sys.exit(f"The versions differ: {versions}.")
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", versions["sam2widget"]):
        sys.exit(f"{versions['sam2widget']!r} is no semantic version.")
    return versions["sam2widget"]


def members(path: Path) -> set[str]:
    """Files in a wheel or an sdist, those of an sdist without its folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return set(wheel.namelist())
    with tarfile.open(path) as sdist:
        return {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}


def check_contents(wheel: Path, sdist: Path) -> None:
    """Everything of the packages, and nothing else."""
    tracked = subprocess.check_output(
        ["git", "ls-files", "sam2widget", "sam2_backend"], cwd=ROOT, text=True
    ).split()
    in_wheel = {name for name in members(wheel) if ".dist-info/" not in name}
    expected = {*tracked, *NEEDED}
    if in_wheel != expected:
        sys.exit(
            f"The wheel lacks {sorted(expected - in_wheel)} and has {sorted(in_wheel - expected)}."
        )
    lacks = {*expected, "pyproject.toml", "LICENSE", "README.md"} - members(sdist)
    if lacks:
        sys.exit(f"The sdist lacks {sorted(lacks)}.")


def pythons() -> list[str]:
    """The oldest and the newest supported Python here, which may be one."""
    here = [sys.executable, *map(str, Path.home().glob(".pyenv/versions/3.*/bin/python"))]
    here += filter(None, (shutil.which(f"python{a}.{b}") for a, b in SUPPORTED))
    found: dict[tuple[int, int], str] = {}
    for python in here:
        code = "import sys; print(*sys.version_info[:2])"
        run = subprocess.run([python, "-c", code], capture_output=True, text=True)
        numbers = tuple(map(int, run.stdout.split()))
        if run.returncode == 0 and numbers in SUPPORTED:
            found.setdefault((numbers[0], numbers[1]), python)
    return [found[which] for which in sorted({min(found), max(found)})]


def try_out(python: str, wheel: Path) -> str:
    """A row of the table: the wheel in an environment of its own, outside the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        subprocess.run([python, "-m", "venv", f"{folder}/venv"], check=True)
        own = f"{folder}/venv/bin/python"
        pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([*pip, *constraints, str(wheel)], check=True, stderr=subprocess.DEVNULL)
        installed_s = time.monotonic() - began
        run = [own, "-c", SMOKE]
        # The first import writes byte code.
        for _ in range(2):
            imported_s, shown_s = subprocess.check_output(
                run, cwd=folder, text=True, stderr=subprocess.DEVNULL
            ).split()
        demo = [f"{folder}/venv/bin/sam2widget", "demo", "--out", f"{folder}/demo"]
        subprocess.run(demo, check=True, cwd=folder, capture_output=True)
        which = subprocess.check_output([own, "--version"], text=True).strip()
    return f"| {which} | {installed_s:.0f} s | {imported_s} s | {shown_s} s | yes |"


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def main() -> None:
    """Check the built files, try the wheel on each Python, and print a table of both."""
    release = version()
    wheel = ROOT / "dist" / f"sam2widget-{release}-py3-none-any.whl"
    sdist = ROOT / "dist" / f"sam2widget-{release}.tar.gz"
    files = [str(wheel), str(sdist)]
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)
    check_contents(wheel, sdist)
    bundle = (ROOT / "sam2widget/static/widget.js").stat().st_size
    print("| file | MB |\n|---|---|")
    for path in wheel, sdist:
        print(f"| {path.name} | {path.stat().st_size / 1e6:.1f} |")
    print(f"| of it the front end | {bundle / 1e6:.2f} |\n")
    print("| Python | installed in | import sam2widget | Sam2Widget | click and demo |")
    print("|---|---|---|---|---|", flush=True)
    for python in pythons():
        print(try_out(python, wheel), flush=True)


if __name__ == "__main__":
    main()
