"""The command line, `sam2widget COMMAND`: a module of `commands` for each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from .commands import COMMANDS


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    argv : its arguments, without the program's name; those of the process if None.

    Returns
    -------
    int
        0; 1 when the work cannot be done (the reason is printed); 130 when interrupted. Wrong
        usage exits with 2.
    """
    arguments = build_parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ValueError, OSError) as error:
        print(f"sam2widget: {_describe(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sam2widget: interrupted.", file=sys.stderr)
        return 130


def _describe(error: ValueError | OSError) -> str:
    """The sentence of an error; the system's own are of a number and a path."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read or written ({error.strerror})."
    return str(error)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="sam2widget", description="Segment and track objects in video with clicks."
    )
    parser.add_argument("--version", action="version", version=version("sam2widget"))
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=command.HELP, description=command.DESCRIPTION, conflict_handler="resolve"
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
