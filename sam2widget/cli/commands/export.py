"""`sam2widget export`: the masks of a session file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write the masks of a session file for other programs"
DESCRIPTION = (
    "Write the masks of a session file. Formats: npz, davis, youtube-vos, coco, sa-v, yolo, cvat, "
    "csv, cutouts, mp4, gif, webp."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the session file, the file to write, and its format."""
    parser.add_argument("session", type=Path, help="a session file (*.sam2.zip)")
    parser.add_argument("out", type=Path, help="the file, whose suffix may say the format")
    parser.add_argument("--format", type=_check_format)
    parser.add_argument("--video", metavar="PATH", help="where it is, if not where it was")
    parser.add_argument("--frames", action="store_true", help="write the pictures too")


def run(arguments: argparse.Namespace) -> int:
    """Write the masks."""
    from ...export import export_masks

    options = {"frames": True} if arguments.frames else {}
    written = export_masks(
        arguments.session, arguments.out, arguments.format, video=arguments.video, **options
    )
    print(f"Wrote {written}.")
    return 0


def _check_format(name: str) -> str:
    # Imported only now: a command line that exports nothing starts without it.
    from ...export import FORMATS

    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(FORMATS)}")
    return name
