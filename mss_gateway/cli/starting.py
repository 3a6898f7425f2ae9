"""`mss serve` and `mss demo`: the options; what they start is imported when it is started."""

from pathlib import Path
from typing import Annotated

import typer

from mss_gateway.cli.binding import DEFAULT_CONFIG, ConfigFile

LAST_BASE_PORT = 65_535 - 93


def serve(config_file: ConfigFile = DEFAULT_CONFIG) -> int:
    """Serve until SIGTERM; the exit code."""
    from mss_gateway.cli import serve as serving

    return serving.run(config_file)


def demo(
    state: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the demo keeps its state.")
    ] = Path("var/demo"),
    base_port: Annotated[
        int | None,
        typer.Option(
            min=1024,
            max=LAST_BASE_PORT,
            help="Ports are this + 25, 43, 65, 80, 87, 90 and 93; 2500 when it is not said, for the"
            " neighbour 100 more.",
        ),
    ] = None,
) -> int:
    """Serve invented people on loopback; the exit code."""
    from mss_gateway.cli import demo as demonstration

    return demonstration.run(state, base_port)
