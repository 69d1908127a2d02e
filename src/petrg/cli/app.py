"""Every verb of `petrg`, and how a wrong call ends."""

from __future__ import annotations

from typing import Annotated

import typer

from petrg import __version__
from petrg.cli import screen
from petrg.cli.flatten import spread
from petrg.cli.guard import guard
from petrg.cli.verbs import GROUPS
from petrg.cli.verbs.check import check
from petrg.cli.verbs.convert import convert
from petrg.cli.verbs.convert_weights import convert_weights
from petrg.cli.verbs.demo import demo
from petrg.cli.verbs.export_lm import export_lm
from petrg.cli.verbs.inspect import inspect
from petrg.cli.verbs.measure import measure
from petrg.cli.verbs.phantom import phantom
from petrg.cli.verbs.report import report
from petrg.cli.verbs.styles import styles
from petrg.cli.verbs.train import train
from petrg.cli.visible import visible
from petrg.errors import InputError

__all__ = ["app", "run"]

# rich is loaded for bars and tables only: with it, help alone takes 15 x a bare interpreter
app = typer.Typer(
    name="petrg",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 the input or the output is at fault, 1 an error of petrg itself.",
)
for verb in (inspect, convert, measure, report, check, phantom, styles, demo, train, convert_weights, export_lm):
    app.command()(guard(spread(verb)))
for group, about, verbs in GROUPS:
    inner = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=about)
    for name, verb in verbs.items():
        inner.command(name)(guard(spread(verb)))
    app.add_typer(inner, name=group)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"petrg {__version__}")
        raise typer.Exit


@app.callback()
def _petrg(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Draft reports of PET/CT studies in which every number was measured and says where.

    Every output is a draft, not for diagnosis, unverified.
    """


_USAGE: type[Exception] = typer.BadParameter.__mro__[1]  # click's UsageError, of whichever click typer brings


def run() -> int:
    """Run the command line; a wrong call ends in one line and exit code 2.

    Raises
    ------
    KeyboardInterrupt
        Where Ctrl-C came before a verb could end by it.
    """
    try:
        code = app(standalone_mode=False) or 0
    except typer.Abort:
        code = 130
    except _USAGE as error:
        code = 2
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(visible(str(error)), err=True)
        else:
            said = " ".join(error.format_message().split()).rstrip(".")  # type: ignore[attr-defined]
            wrong = InputError(said, "a call as `petrg --help` shows", "correct it")
            screen.error(wrong, str(wrong), code)
    if code == 130 and not screen.ended.get():  # Ctrl-C before the verb began, which typer keeps to itself
        raise KeyboardInterrupt
    return code
