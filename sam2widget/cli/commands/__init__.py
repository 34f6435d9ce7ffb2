"""The commands, a module each: what it is for, its arguments, and running it.

Modules import what a command needs only when it runs: asking for help brings in no torch.
"""

import argparse
from typing import Protocol

from . import demo, export, export_onnx, finetune, pretrain, propagate, serve, train, versions


class Command(Protocol):
    """A module with a command."""

    @property
    def HELP(self) -> str:
        """A line for the list of commands."""
        ...

    @property
    def DESCRIPTION(self) -> str:
        """A paragraph for the command's own help."""
        ...

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command, and return the exit status."""
        ...


COMMANDS: dict[str, Command] = {
    "demo": demo,
    "propagate": propagate,
    "export": export,
    "export-onnx": export_onnx,
    "serve": serve,
    "finetune": finetune,
    "train": train,
    "pretrain": pretrain,
    "versions": versions,
}
"""All commands by name, in the order of the help."""
