"""What registries say of known faults, and what they do not say, is told."""

from __future__ import annotations

import json

from tools.audit import read_npm_audit, read_pip_audit, serious

PIP = {
    "dependencies": [
        {"name": "pip", "version": "23.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["23.3"]}]},
        {"name": "tqdm", "version": "4.66.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]},
        {"name": "numpy", "version": "2.4.6", "vulns": []},
        {"name": "sam2", "skip_reason": "Dependency not found on PyPI"},
    ],
    "fixes": [],
}
NPM = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "esbuild": {
            "range": "<=0.24.2",
            "via": [{"title": "Any site reads it", "severity": "moderate", "url": "https://a.org"}],
        },
        "vite": {"range": "0.11.0 - 6.1.6", "via": ["esbuild"]},
    },
    "metadata": {"dependencies": {"total": 90}},
}


def test_faults_of_python_packages_are_listed_and_what_was_not_looked_up_is_said():
    found = read_pip_audit(json.dumps(PIP))
    assert found.describe().split("\n") == [
        "pip-audit: 3 packages looked up, 1 could not be looked up.",
        "  pip 23.0: PYSEC-1, mended in 23.3",
        "  tqdm 4.66.0: CVE-2, mended in no version",
    ]
    assert serious([found], {"tqdm", "numpy"}) == ["tqdm 4.66.0"]


def test_nothing_looked_up_is_no_acquittal():
    unknown = {"dependencies": [{"name": "numpy", "skip_reason": "not found"}]}
    refused = {"message": "405 Method Not Allowed", "error": {"summary": ""}}
    for found in (
        read_pip_audit(json.dumps(unknown)),
        read_pip_audit(""),
        read_npm_audit(json.dumps(refused), "js"),
        read_npm_audit("", "js"),
    ):
        assert "nothing was looked up" in found.describe() and not found.faults


def test_faults_of_npm_are_listed_once():
    found = read_npm_audit(json.dumps(NPM), "js")
    assert found.describe().split("\n") == [
        "npm audit of js: 90 packages looked up.",
        "  esbuild <=0.24.2: Any site reads it (moderate, https://a.org)",
    ]
    assert serious([found], {"tqdm"}) == [] and serious([found], {"esbuild"})
    clean = {**NPM, "vulnerabilities": {}}
    assert read_npm_audit(json.dumps(clean), "js").describe().endswith("up. No known fault.")
