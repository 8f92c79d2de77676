"""The `arflow` command. Each group of commands has its own file; here they only get their names."""

import sys

import typer

from cli import organisations, processes, token
from settings import SettingsError
from stack.process import StackError

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
app.command("token")(token.token)
app.add_typer(organisations.org, name="org")
app.add_typer(organisations.customer, name="customer")


def main() -> None:
    """Run the command; what the user can mend comes as one line on stderr and exit code 1."""
    try:
        app()
    except (StackError, SettingsError) as error:
        print(f"arflow: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
