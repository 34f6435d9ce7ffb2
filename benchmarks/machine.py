"""What a benchmark ran on."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import torch

_CPU_INFO = Path("/proc/cpuinfo")
_UNITS = {
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX512-BF16",
    "amx_bf16": "AMX",
}
"""What matters to the arithmetic, by what Linux calls it."""


def describe_machine() -> str:
    """Describe the processor, what it multiplies with, PyTorch and its threads in one line."""
    processor, units = platform.processor() or platform.machine(), ""
    if _CPU_INFO.exists():
        fields = dict(
            re.findall(
                r"^(\S[^\t:]*)\s*: (.*)$", _CPU_INFO.read_text(encoding="utf-8"), re.MULTILINE
            )
        )
        processor = fields.get("model name", processor)
        flags = fields.get("flags", "").split()
        units = "".join(f", {unit}" for flag, unit in _UNITS.items() if flag in flags)
    threads = torch.get_num_threads()
    return f"{processor}{units}, torch {torch.__version__}, {threads} threads"
