"""What stays when the walk is over: a token for each person, and where to look."""

import os
from pathlib import Path

from demo.context import Demo


def say_where_to_go_on(ctx: Demo) -> None:
    """A token per demo person, and the addresses."""
    ctx.tell.chapter("Yours to try")
    say = ctx.tell.console.print
    say(f"\n  A token for each person of {ctx.org_id}:")
    for person in ctx.people.values():
        say(f"\n  [bold]{person.user}[/] ({person.title})\n{person.token}")
    say(
        f"\n  For example:\n  TOKEN=$({_home(ctx)}.venv/bin/arflow token --org {ctx.org_id} --user u_clerk --role ar_clerk)"
    )
    say(f'  curl -H "Authorization: Bearer $TOKEN" "{ctx.base_url}/v1/customer-payments?limit=3"\n')
    for name, url in (
        ("API", ctx.base_url),
        ("API docs", f"{ctx.base_url}/docs"),
        ("Temporal UI", ctx.tell.workflows_url),
    ):
        say(f"  {name:<12} {url}")
    if os.environ.get("DEMO_EXIT") != "1":
        say("\n  The stack stays up until Ctrl-C.")


def _home(ctx: Demo) -> str:
    """The token is signed with the secret in the state directory; another than the default has to be named."""
    home = ctx.settings.home
    return "" if home == Path(".arflow").absolute() else f"ARFLOW_HOME={home} "
