"""`sam2widget propagate`: the prompts of many videos."""

from __future__ import annotations

import argparse
from pathlib import Path

from .checks import check_choices, check_folder

HELP = "propagate the prompts of many videos, here or on a Ray cluster"
DESCRIPTION = (
    "Propagate what session files or prompt files say, and write a session file for each. "
    "Interrupted, the same command goes on."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sources, the model, and where the work is done."""
    parser.add_argument(
        "sources",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="session files (*.sam2.zip) and prompt files (*.json), or folders of them",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("propagated"),
        help="where the session files go (default: %(default)s)",
    )
    parser.add_argument("--model", help="a name or a path (default: what each source says)")
    parser.add_argument(
        "--memory", metavar="POLICY", help="the memory policy (default: what each source says)"
    )
    parser.add_argument("--device", help="cpu, cuda, … (default: the best there is)")
    parser.add_argument(
        "--devices",
        metavar="DEVICE",
        nargs="+",
        help="several of this machine, such as cuda:0 cuda:1: a process for each",
    )
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument(
        "--workers", metavar="N", type=int, help="of ray (default: one a GPU, or every two CPUs)"
    )
    parser.add_argument(
        "--ship-videos",
        action="store_true",
        help="with ray: send the videos to workers that do not see these files",
    )


def run(arguments: argparse.Namespace) -> int:
    """Propagate all sources; 1 where one of them failed."""
    if arguments.engine == "local":  # else it is for the workers to say
        check_choices(arguments)
    check_folder(arguments.out, "--out")
    from ...batch.propagation import propagate_many

    report = propagate_many(
        arguments.sources,
        arguments.out,
        model=arguments.model,
        device=arguments.device,
        memory=arguments.memory,
        devices=arguments.devices,
        engine=arguments.engine,
        workers=arguments.workers,
        ship_videos=arguments.ship_videos,
    )
    print(report)
    return 1 if report.failed else 0
