"""`sam2widget export`: the masks of a session file for other programs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELP = "write the masks of a session file for other programs"
DESCRIPTION = "Write the masks of a session file."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the session file, the file to write, and its format."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "-h", "--help", action=_HelpWithFormats, help="show this help message and exit"
    )
    parser.add_argument("session", type=Path, help="a session file (*.sam2.zip)")
    parser.add_argument("out", type=Path, help="the file, whose suffix may say the format")
    parser.add_argument("--format", type=_check_format)
    parser.add_argument("--video", metavar="PATH", help="where it is, if not where it was")
    parser.add_argument("--frames", action="store_true", help="write the pictures too")


def run(arguments: argparse.Namespace) -> int:
    """Write the masks."""
    from ...export import export_masks

    options: dict[str, Any] = {"frames": True} if arguments.frames else {}
    written = export_masks(
        arguments.session, arguments.out, arguments.format, video=arguments.video, **options
    )
    print(f"Wrote {written}.")
    return 0


class _HelpWithFormats(argparse.Action):
    """Prints the help, and all formats, which are imported for it alone."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from ...export import FORMATS

        lines = ["formats, and what each has for options in Python:"]
        for one in FORMATS.values():
            lines.append(f"  {one.name}: {one.description}")
            lines += [f"    {option}: {what}" for option, what in one.options.items()]
        parser.epilog = "\n".join(lines)
        parser.print_help()
        parser.exit()


def _check_format(name: str) -> str:
    # Imported only now: a command line that exports nothing starts without it.
    from ...export import FORMATS

    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(FORMATS)}")
    return name
