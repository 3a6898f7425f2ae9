"""`mss serve` and `mss demo`: the options; what they start is imported when it is started."""

from pathlib import Path
from typing import Annotated

import typer

from mss_gateway.cli.binding import DEFAULT_CONFIG, ConfigFile

BASE_PORT = 2500
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
        int,
        typer.Option(
            min=1024, max=LAST_BASE_PORT, help="Ports are this + 87, 65, 43, 93, 80 and 90."
        ),
    ] = BASE_PORT,
) -> int:
    """Serve invented people on loopback; the exit code."""
    from mss_gateway.cli import demo as demonstration

    return demonstration.run(state, base_port)
