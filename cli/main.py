"""The `arflow` command. Each group of commands has its own file; here they only get their names."""

import os
import sys

import psycopg
import typer

from cli import (
    backup,
    builds,
    conversation,
    evidence,
    organisations,
    processes,
    rates,
    resume,
    seals,
    surveys,
    token,
    verify,
)
from logs import configure_logs
from models.audit.stamps import CertificatesUnreadable
from models.db.migrate import StillLocked, TooOld
from models.db.pooling import SharedSession
from models.signing import KeyUnreadable
from models.tls import trust
from settings import Settings, SettingsError, get_settings
from stack.process import StackError
from workflows.connection import TemporalAway

app = typer.Typer(
    name="arflow",
    help="A durable process engine for accounts receivable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("up")(processes.up)
app.command("demo")(processes.demo)
app.command("api")(processes.api)
app.command("worker")(processes.worker)
app.command("migrate")(processes.migrate)
app.command("resume")(resume.resume)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("probe")(processes.probe)
app.command("token")(token.token)
app.command("mcp")(conversation.mcp)
app.command("nps")(surveys.nps)
app.command("verify")(verify.verify)
app.command("rates")(rates.rates)
app.command("seals")(seals.seals)
app.command("verify-evidence")(evidence.verify_evidence)
app.add_typer(organisations.org, name="org")
app.add_typer(organisations.customer, name="customer")
app.add_typer(builds.app, name="builds")


def main() -> None:
    """Run the command; what the user can mend comes as one line on stderr and exit code 1."""
    code: object = 0
    try:
        configure_logs(settings := get_settings())
        _trust(settings)
        app()
    except (
        StackError,
        SettingsError,
        SharedSession,
        TemporalAway,
        TooOld,
        StillLocked,
        KeyUnreadable,
        CertificatesUnreadable,
    ) as error:
        print(f"arflow: {error}", file=sys.stderr)
        code = 1
    except psycopg.OperationalError as error:
        print(f"arflow: PostgreSQL: {' '.join(str(error).split())}", file=sys.stderr)
        code = 1
    except SystemExit as ended:
        code = ended.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not through the interpreter's own end: threads of the Temporal SDK that are just then handing over a result
    # abort the process ("PyGILState_Release"), which would turn a command that has succeeded into one that failed.
    os._exit(code if isinstance(code, int) else int(code is not None))


def _trust(settings: Settings) -> None:
    try:
        trust(settings.authorities_file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"ARFLOW_AUTHORITIES_FILE: no certificate can be read from it: {error}") from None


if __name__ == "__main__":
    main()
