"""Is what is in dist/ fit to be released? Run by `make release`, after `make build`.

Checks versions, metadata and contents, installs both wheels in clean environments on the oldest and
the newest Python that this machine has, and uses them there.
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
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
DECODER = ROOT / "js" / "decoder"
SUPPORTED = [(3, minor) for minor in range(10, 15)]
NEEDED = {
    "sam2widget/static/widget.js",
    "sam2widget/static/widget.css",
    "sam2widget/py.typed",
    "sam2_backend/py.typed",
    "sam2_backend/checkpoints/weights/nano.safetensors",
    "sam2_backend/checkpoints/weights/nano.md",
}
DECODER_NEEDED = {
    "sam2widget_decoder/static/decoder.js",
    "sam2widget_decoder/static/runtime.wasm.gz",
    "sam2widget_decoder/static/runtime-webgpu.wasm.gz",
}
DECODER_LICENCES = "LICENSE", "LICENSE-onnxruntime", "ThirdPartyNotices.txt"
"""Ours, that of ONNX Runtime, and those of what is in ONNX Runtime."""
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
frames = np.zeros((3, 90, 160, 3), np.uint8)
w = Sam2Widget(frames, "nano", autosave=False, browser_decoder=True)
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
        "sam2widget[decoder]": re.search(
            r'"sam2widget-decoder==(.*?)"', _read("pyproject.toml"), re.M
        ),
        "js/decoder/pyproject.toml": re.search(
            r'^version = "(.*)"', _read("js/decoder/pyproject.toml"), re.M
        ),
    }
    versions = {name: found[1] if found else "none" for name, found in said.items()}
    for name in "js/package.json", "js/decoder/package.json":
        versions[name] = json.loads(_read(name))["version"]
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


def check_contents(
    wheel: Path,
    sdist: Path,
    folder: Path,
    packages: Sequence[str],
    built: set[str],
    licences: Sequence[str],
) -> None:
    """Everything of the packages and their licences, and nothing else.

    Parameters
    ----------
    wheel, sdist : to check.
    folder : of their pyproject.toml.
    packages : names of the packages in it.
    built : what they have besides tracked files.
    licences : names of the licences' files.
    """
    tracked = subprocess.check_output(["git", "ls-files", *packages], cwd=folder, text=True)
    described = {name for name in members(wheel) if ".dist-info/" in name}
    in_wheel = members(wheel) - described
    expected = {*tracked.split(), *built}
    if in_wheel != expected:
        sys.exit(
            f"{wheel.name} lacks {sorted(expected - in_wheel)} and has "
            f"{sorted(in_wheel - expected)}."
        )
    lacks = set(licences) - {name.split("/licenses/")[-1] for name in described}
    if lacks:
        sys.exit(f"{wheel.name} lacks {sorted(lacks)} in its .dist-info/licenses.")
    lacks = {*expected, "pyproject.toml", *licences, "README.md"} - members(sdist)
    if lacks:
        sys.exit(f"{sdist.name} lacks {sorted(lacks)}.")


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


def try_out(python: str, wheels: Sequence[Path]) -> str:
    """A row of the table: the wheels in an environment of their own, outside the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        subprocess.run([python, "-m", "venv", f"{folder}/venv"], check=True)
        own = f"{folder}/venv/bin/python"
        pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        files = map(str, wheels)
        subprocess.run([*pip, *constraints, *files], check=True, stderr=subprocess.DEVNULL)
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
    names = "sam2widget", "sam2widget_decoder"
    wheels = [ROOT / "dist" / f"{name}-{release}-py3-none-any.whl" for name in names]
    sdists = [ROOT / "dist" / f"{name}-{release}.tar.gz" for name in names]
    files = map(str, (*wheels, *sdists))
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)
    check_contents(wheels[0], sdists[0], ROOT, ["sam2widget", "sam2_backend"], NEEDED, ["LICENSE"])
    check_contents(
        *(wheels[1], sdists[1], DECODER, ["sam2widget_decoder"]),
        *(DECODER_NEEDED, DECODER_LICENCES),
    )
    bundle = (ROOT / "sam2widget/static/widget.js").stat().st_size
    print("| file | MB |\n|---|---|")
    for path in (*wheels, *sdists):
        print(f"| {path.name} | {path.stat().st_size / 1e6:.1f} |")
    print(f"| of it the front end | {bundle / 1e6:.2f} |\n")
    print("| Python | installed in | import sam2widget | Sam2Widget | click and demo |")
    print("|---|---|---|---|---|", flush=True)
    for python in pythons():
        print(try_out(python, wheels), flush=True)


if __name__ == "__main__":
    main()
