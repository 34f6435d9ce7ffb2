"""The terminal face: `sam2widget demo`, `propagate`, `export`, and training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..samples.sample import SAMPLE_CLIPS
from .training import add_training_commands

if TYPE_CHECKING:
    from .demo import DemoClick


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
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ValueError, OSError) as error:
        print(f"sam2widget: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sam2widget: interrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sam2widget", description="Segment and track objects in video with clicks."
    )
    parser.add_argument("--version", action="version", version=version("sam2widget"))
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="click, propagate, correct and save, on a built-in clip or on a video of yours",
        description="Click, propagate, correct the worst frames, propagate again, and write "
        "masks.npz, overlay.mp4 and contact_sheet.png. Without --video this is done on a built-in "
        "clip and measured against its true masks, which also make the clicks.",
    )
    what = demo.add_mutually_exclusive_group()
    what.add_argument(
        "--clip",
        choices=SAMPLE_CLIPS,
        default=SAMPLE_CLIPS[0],
        help="which built-in clip (default: %(default)s)",
    )
    what.add_argument("--video", metavar="PATH", help="a video, an image or a folder of images")
    demo.add_argument(
        "--click",
        metavar="FRAME,X,Y[,OBJECT[,LABEL]]",
        type=_click,
        nargs="+",
        action="extend",
        default=[],
        help="clicks on --video, in pixels of the frame; OBJECT counts from 1, LABEL is 1 on the "
        "object and 0 outside it. Clicks on a later frame than an object's first correct it "
        "after it was propagated.",
    )
    demo.add_argument(
        "--model",
        default="nano",
        help="a name such as sam2.1-hiera-tiny, a checkpoint's path, or auto: the official tiny "
        "where it can be had (default: the bundled %(default)s)",
    )
    demo.add_argument("--device", help="cpu, cuda, … (default: the best there is)")
    demo.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("outputs/demo"),
        help="where the results go (default: %(default)s)",
    )
    demo.set_defaults(run=_demo)
    _add_propagate(commands)
    _add_export(commands)
    add_training_commands(commands)
    return parser


def _add_propagate(commands: Any) -> None:
    propagate = commands.add_parser(
        "propagate",
        help="propagate the prompts of many videos, here or on a Ray cluster",
        description="Propagate what session files or prompt files say, and write a session file "
        "for each. Interrupted, the same command goes on.",
    )
    propagate.add_argument(
        "sources",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="session files (*.sam2.zip) and prompt files (*.json), or folders of them",
    )
    propagate.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("propagated"),
        help="where the session files go (default: %(default)s)",
    )
    propagate.add_argument("--model", help="a name or a path (default: what each source says)")
    propagate.add_argument("--device", help="cpu, cuda, … (default: the best there is)")
    propagate.add_argument("--engine", choices=("local", "ray"), default="local")
    propagate.add_argument(
        "--workers", metavar="N", type=int, help="of ray (default: one a GPU, or every two CPUs)"
    )
    propagate.add_argument(
        "--ship-videos",
        action="store_true",
        help="with ray: send the videos to workers that do not see these files",
    )
    propagate.set_defaults(run=_propagate)


def _add_export(commands: Any) -> None:
    export = commands.add_parser(
        "export",
        help="write the masks of a session file for other programs",
        description="Write the masks of a session file.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    export.add_argument(
        "-h", "--help", action=_HelpWithFormats, help="show this help message and exit"
    )
    export.add_argument("session", type=Path, help="a session file (*.sam2.zip)")
    export.add_argument("out", type=Path, help="the file, whose suffix may say the format")
    export.add_argument("--format", type=_format)
    export.add_argument("--video", metavar="PATH", help="where it is, if not where it was")
    export.add_argument("--frames", action="store_true", help="write the pictures too")
    export.set_defaults(run=_export)


class _HelpWithFormats(argparse.Action):
    """Prints the help, and all formats, which are imported for it alone."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from ..export import FORMATS

        lines = ["formats, and what each has for options in Python:"]
        for one in FORMATS.values():
            lines.append(f"  {one.name}: {one.description}")
            lines += [f"    {option}: {what}" for option, what in one.options.items()]
        parser.epilog = "\n".join(lines)
        parser.print_help()
        parser.exit()


def _format(name: str) -> str:
    # Imported only now: a command line that exports nothing starts without it.
    from ..export import FORMATS

    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(FORMATS)}")
    return name


def _export(arguments: argparse.Namespace) -> int:
    from ..export import export_masks

    options = {"frames": True} if arguments.frames else {}
    written = export_masks(
        arguments.session, arguments.out, arguments.format, video=arguments.video, **options
    )
    print(f"Wrote {written}.")
    return 0


def _propagate(arguments: argparse.Namespace) -> int:
    from ..batch.local import propagate_many

    report = propagate_many(
        arguments.sources,
        arguments.out,
        model=arguments.model,
        device=arguments.device,
        engine=arguments.engine,
        workers=arguments.workers,
        ship_videos=arguments.ship_videos,
    )
    print(report)
    return 1 if report.failed else 0


def _demo(arguments: argparse.Namespace) -> int:
    from . import demo

    where = arguments.model, arguments.device, arguments.out
    if arguments.video is None and not arguments.click:
        demo.run_on_sample(arguments.clip, *where)
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
        demo.run_on_video(arguments.video, arguments.click, *where)
    return 0


def _click(text: str) -> DemoClick:
    from .demo import DemoClick

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
