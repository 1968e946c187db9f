"""The commands. `main` is the entry point: exit 0 done, 1 failed, 2 wrong usage, and errors on one line."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from govwire import __version__
from govwire.core import logs
from govwire.core.errors import ConfigError, GovwireError, QueryError, UrlError
from govwire.core.settings import Settings, find_config, load_settings
from govwire.core.vocabulary import Vocabulary, load_vocabulary

app = typer.Typer(
    name="govwire",
    help="Watch the news for the governance of AI: who takes which stance on what, with the sentence that proves it.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value a line, for programs.")]

_overrides: dict[str, Any] = {}


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Config folder (else GOVWIRE_CONFIG, ./config, the shipped one).")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where bus, state and index lie (setting data_dir).")] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"govwire {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    if config is not None:
        os.environ["GOVWIRE_CONFIG"] = str(config)
    _overrides.clear()
    if data_dir is not None:
        _overrides["data_dir"] = data_dir


def settings(**overrides: Any) -> Settings:
    """This process's settings, with the flags given before the command; its log follows them from here on."""
    chosen = load_settings({**_overrides, **overrides})
    logs.configure(chosen)
    return chosen


def vocabulary() -> Vocabulary:
    """Sources, topics and targets of this process's config folder."""
    return load_vocabulary(find_config())


def main() -> None:
    """Run the command line."""
    # Commands register themselves with `app`; imported here, for they import this module.
    from govwire.cli import operate, read, subscribe, label, relabel, backfill, correct, samples, sources, adding  # noqa: F401, I001 - the order of --help

    try:
        app(prog_name=app.info.name)
    except (ConfigError, QueryError, UrlError) as error:
        problems = error.problems if isinstance(error, ConfigError) else [str(error)]
        for problem in problems:
            typer.echo(f"error: {problem}", err=True)
        sys.exit(2)
    except GovwireError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
