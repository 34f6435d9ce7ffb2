"""`sam2widget demo`: the whole job without a browser."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...samples.sample import SAMPLE_CLIPS
from .checks import check_choices, check_folder

if TYPE_CHECKING:
    from ..demo import DemoClick

HELP = "click, propagate, correct and save, on a built-in clip or on a video of yours"
DESCRIPTION = (
    "Click, propagate, correct the worst frames, propagate again, and write masks.npz, "
    "overlay.mp4 and contact_sheet.png. Without --video this is done on a built-in clip and "
    "measured against its true masks, which also make the clicks."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the clip or video, the clicks, the model, and where results go."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--clip",
        choices=SAMPLE_CLIPS,
        default=SAMPLE_CLIPS[0],
        help="which built-in clip (default: %(default)s)",
    )
    what.add_argument("--video", metavar="PATH", help="a video, an image or a folder of images")
    parser.add_argument(
        "--click",
        metavar="FRAME,X,Y[,OBJECT[,LABEL]]",
        type=_parse_click,
        nargs="+",
        action="extend",
        default=[],
        help="clicks on --video, in pixels of the frame; OBJECT counts from 1, LABEL is 1 on the "
        "object and 0 outside it. Clicks on a later frame than an object's first correct it "
        "after it was propagated.",
    )
    parser.add_argument(
        "--model",
        default="nano",
        help="a name such as sam2.1-hiera-tiny, a checkpoint's path, or auto: the official tiny "
        "where it can be had (default: the bundled %(default)s)",
    )
    parser.add_argument("--device", help="cpu, cuda, … (default: the best there is)")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("outputs/demo"),
        help="where the results go (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Segment the clip or the video, and write the results."""
    check_choices(arguments)
    check_folder(arguments.out, "--out")
    from .. import demo

    options = arguments.model, arguments.device, arguments.out
    if arguments.video is None and not arguments.click:
        demo.run_on_sample(arguments.clip, *options)
    elif arguments.video is None:
        print("sam2widget: --click needs --video: say which video to click on.", file=sys.stderr)
        return 2
    elif not arguments.click:
        print(
            "sam2widget: --video needs a --click FRAME,X,Y: say where an object is.",
            file=sys.stderr,
        )
        return 2
    else:
        demo.run_on_video(arguments.video, arguments.click, *options)
    return 0


def _parse_click(text: str) -> DemoClick:
    from ..demo import DemoClick

    parts = text.split(",")
    try:
        if not 3 <= len(parts) <= 5:
            raise ValueError
        whole = [int(part) for part in parts[3:]]
        return DemoClick(int(parts[0]), float(parts[1]), float(parts[2]), *whole)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no click: write FRAME,X,Y or FRAME,X,Y,OBJECT or FRAME,X,Y,OBJECT,LABEL, "
            "such as 0,320,180"
        ) from None
