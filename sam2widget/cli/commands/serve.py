"""`sam2widget serve`: videos for people without a notebook."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sam2_backend.extras import install_command

from .checks import check_choices, check_folder

HELP = "serve videos to people with a browser, who annotate them"
DESCRIPTION = (
    "Serve videos to people with a browser: a list with how far each is, and a page with the "
    "widget for each. Every edit is kept in a session file, with which `sam2widget propagate` and "
    "Sam2Widget.load go on."
)
CPUS = 2
"""For one worker, where there is no GPU."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the videos, the sessions, the model, and who may reach them."""
    parser.add_argument(
        "videos", nargs="+", metavar="VIDEO", help="videos, pictures, folders of pictures, or URLs"
    )
    parser.add_argument(
        "--sessions",
        metavar="FOLDER",
        type=Path,
        default=Path("sessions"),
        help="where the session files are kept (default: %(default)s)",
    )
    parser.add_argument("--model", default="auto", help="a name or a path (default: %(default)s)")
    parser.add_argument("--memory", metavar="POLICY", help="the memory policy")
    parser.add_argument(
        "--devices",
        metavar="DEVICE",
        nargs="+",
        help="such as cuda:0 cuda:1 (default: all GPUs there are)",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="pages that may be open at a time, each with a model of its own "
        "(default: one a device, or every two CPUs)",
    )
    parser.add_argument(
        "--ip",
        default="127.0.0.1",
        help="where to listen; 0.0.0.0 is for other machines too (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=int, default=8866, help="0 is any that is free (default: %(default)s)"
    )
    parser.add_argument(
        "--base-url", metavar="PATH", default="/", help="the path that a proxy keeps in front"
    )
    parser.add_argument(
        "--no-token",
        action="store_true",
        help="let everybody on this machine in; SAM2WIDGET_TOKEN sets a token of your own",
    )
    parser.add_argument(
        "--keep",
        metavar="MINUTES",
        type=float,
        default=10.0,
        help="how long a page goes on whose browser is away (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if arguments.workers is not None and arguments.workers < 1:
        raise ValueError(f"--workers must be at least 1, got {arguments.workers}.")
    if not arguments.keep >= 0:
        raise ValueError(f"--keep must be at least 0, got {arguments.keep}.")
    check_choices(arguments)
    check_folder(arguments.sessions, "--sessions")
    try:
        from ...serve.server import serve
    except ImportError as error:
        raise ValueError(f"Serving needs {error.name}: {install_command('voila')}.") from error
    devices = arguments.devices or _find_devices()
    workers = arguments.workers
    if workers is None:
        is_cpu = devices in ([None], ["cpu"])
        workers = max(1, (os.cpu_count() or 1) // CPUS) if is_cpu else len(devices)
    serve(
        arguments.videos,
        arguments.sessions,
        ip=arguments.ip,
        port=arguments.port,
        base_url=arguments.base_url,
        has_token=not arguments.no_token,
        devices=devices,
        workers=workers,
        keep_s=60 * arguments.keep,
        options={"model": arguments.model, "memory": arguments.memory},
    )
    return 0


def _find_devices() -> list[str | None]:
    """List the GPUs there are; [None], the best there is, where there is none or but one."""
    import torch

    count = torch.cuda.device_count()
    return [f"cuda:{n}" for n in range(count)] if count > 1 else [None]
