"""The `arflow` command. Each group of commands has its own file, read when one of its commands is asked for."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from logs import configure_logs
from models.mendable import Mendable
from models.tls import trust
from settings import Settings, SettingsError, get_settings

COMMANDS: Final = {
    "up": "processes:up",
    "demo": "processes:demo",
    "api": "processes:api",
    "worker": "processes:worker",
    "migrate": "processes:migrate",
    "resume": "resume:resume",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "probe": "processes:probe",
    "token": "token:token",
    "mcp": "conversation:mcp",
    "nps": "surveys:nps",
    "verify": "verify:verify",
    "rates": "rates:rates",
    "seals": "seals:seals",
    "verify-evidence": "evidence:verify_evidence",
    "org": "organisations:org",
    "customer": "organisations:customer",
    "builds": "builds:app",
}
"""Where each stands: most need a part of the house, and none waits for another's."""


class Lazily(Mapping[str, Any]):
    """The commands by their names, each read when it is looked at."""

    def __getitem__(self, name: str) -> Any:
        module, _, found = COMMANDS[name].partition(":")
        command = getattr(import_module(f"cli.{module}"), found)
        if isinstance(command, typer.Typer):
            group = get_group(command)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(name)(command)
        return get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The command line's own group."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Lazily()  # type: ignore[assignment]  # read only, as typer reads it


app = typer.Typer(
    name="arflow", cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)


@app.callback()
def arflow() -> None:
    """A durable process engine for accounts receivable."""


def main() -> None:
    """Run the command; what the user can mend comes as one line on stderr and exit code 1."""
    code: object = 0
    try:
        configure_logs(settings := get_settings())
        _trust(settings)
        app()
    except Mendable as error:
        print(f"arflow: {error}", file=sys.stderr)
        code = 1
    except SystemExit as ended:
        code = ended.code
    except Exception as error:
        if not _is_database_away(error):
            raise
        print(f"arflow: PostgreSQL: {' '.join(str(error).split())}", file=sys.stderr)
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    with suppress(OSError):  # its disk is full; what was done is done
        sys.stderr.flush()
    # Not through the interpreter's own end: threads of the Temporal SDK that are just then handing over a result
    # abort the process ("PyGILState_Release"), which would turn a command that has succeeded into one that failed.
    os._exit(code if isinstance(code, int) else int(code is not None))


def _trust(settings: Settings) -> None:
    try:
        trust(settings.authorities_file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"ARFLOW_AUTHORITIES_FILE: no certificate can be read from it: {error}") from None


def _is_database_away(error: Exception) -> bool:
    from psycopg import OperationalError  # only a command that asked the database meets one

    return isinstance(error, OperationalError)


if __name__ == "__main__":
    main()
