"""Known faults of what is installed and of what the front end is built with; `make audit` runs it.

    python -m tools.audit

Asks PyPI by pip-audit, and npm's registry. What they did not answer for is said: it is not free of
faults. A fault of what people get with sam2widget ends this with an error, one of a tool does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, NamedTuple

from .licences import licences
from .release import ROOT

BUNDLED = {"onnxruntime-web"}
"""Packages of npm that are in a wheel, as they are or compiled into a bundle."""
FOLDERS = "js", "js/decoder"
"""Of package-lock.json files."""


class Answer(NamedTuple):
    """What a registry knows of some packages."""

    asked: str
    num_known: int
    """Packages that it looked up."""
    num_unknown: int
    faults: dict[str, list[str]]
    """By the package's name."""

    def describe(self) -> str:
        """A sentence, and a line for each fault."""
        if not self.num_known:
            return f"{self.asked}: nothing was looked up, so nothing is known of any fault."
        rest = f", {self.num_unknown} could not be looked up" if self.num_unknown else ""
        lines = [f"{self.asked}: {self.num_known} packages looked up{rest}."]
        lines += [f"  {name}: {fault}" for name, all_ in self.faults.items() for fault in all_]
        return "\n".join(lines if self.faults else [f"{lines[0]} No known fault."])


def read_pip_audit(text: str) -> Answer:
    """Understand what ``pip-audit --format json`` prints; nothing where it failed."""
    packages: list[dict[str, Any]] = json.loads(text)["dependencies"] if text.strip() else []
    known = [one for one in packages if "skip_reason" not in one]
    faults = {
        f"{one['name']} {one['version']}": [
            f"{fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version'}"
            for fault in one["vulns"]
        ]
        for one in known
        if one["vulns"]
    }
    return Answer("pip-audit", len(known), len(packages) - len(known), faults)


def read_npm_audit(text: str, folder: str) -> Answer:
    """Understand what ``npm audit --json`` prints, also where its registry gave no answer."""
    report: dict[str, Any] = json.loads(text) if text.strip() else {}
    if "vulnerabilities" not in report:
        return Answer(f"npm audit of {folder}", 0, 0, {})
    faults = {
        f"{name} {one['range']}": [
            f"{via['title']} ({via['severity']}, {via['url']})"
            for via in one["via"]
            if isinstance(via, dict)
        ]
        for name, one in report["vulnerabilities"].items()
    }
    total = report["metadata"]["dependencies"]["total"]
    return Answer(f"npm audit of {folder}", total, 0, {k: v for k, v in faults.items() if v})


def serious(answers: list[Answer], used: set[str]) -> list[str]:
    """Of faulty packages, those that are used where sam2widget runs."""
    return [name for one in answers for name in one.faults if name.split(" ")[0] in used]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if not done.stdout.strip():
        print(done.stderr, file=sys.stderr)
    return done.stdout


def main() -> None:
    """Print what is known; exit with an error where it concerns what people get."""
    options = "--local", "--skip-editable", "--timeout", "10", "--format", "json"
    answers = [read_pip_audit(_run(sys.executable, "-m", "pip_audit", *options))]
    for folder in FOLDERS:
        answers.append(read_npm_audit(_run("npm", "--prefix", folder, "audit", "--json"), folder))
    print("\n".join(one.describe() for one in answers))
    if concerned := serious(answers, licences().keys() | BUNDLED):
        sys.exit(f"Raise these, which people get with sam2widget: {', '.join(concerned)}.")


if __name__ == "__main__":
    main()
