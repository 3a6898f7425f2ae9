"""A verb's function as typer calls it: ``--config`` and ``--json`` added, errors told once."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mss_gateway.cli.answers import Answer, complain, show

DEFAULT_CONFIG = Path("config.toml")

ConfigFile = Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value on standard output.")]

_ADDED = (
    inspect.Parameter(
        "config_file", inspect.Parameter.KEYWORD_ONLY, default=DEFAULT_CONFIG, annotation=ConfigFile
    ),
    inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=AsJson),
)


def answering(run: Callable[..., Answer]) -> Callable[..., None]:
    """``run(desk, …) → Answer`` as a command with the two options that every verb has."""
    from mss_gateway.cli.desk import Desk

    def called(*, config_file: Path, as_json: bool, **options: Any) -> None:
        def work() -> int:
            answer = run(Desk(config_file), **options)
            show(answer, as_json=as_json)
            return answer.code

        _finish(work)

    signature = inspect.signature(run, eval_str=True)
    own = list(signature.parameters.values())[1:]
    return _with_parameters(called, [*own, *_ADDED])


def service(run: Callable[..., int]) -> Callable[..., None]:
    """``run(…) → exit code``: a verb that serves until it is stopped."""

    def called(**options: Any) -> None:
        _finish(lambda: run(**options))

    signature = inspect.signature(run, eval_str=True)
    return _with_parameters(called, list(signature.parameters.values()))


def unasked() -> None:
    """Stands for a verb that was not asked for, so that the list of verbs costs no import."""


def _finish(work: Callable[[], int]) -> None:
    """Run and leave with the exit code; wrong usage is typer's to tell."""
    try:
        code = work()
    except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
        raise
    except Exception as error:
        from mss_gateway.cli.errors import explain

        code, line = explain(error)
        complain(line)
    raise typer.Exit(code)


def _with_parameters(
    called: Callable[..., None], parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """``called`` with the signature that typer reads its options from."""
    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    called.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in keywords}
    return called
