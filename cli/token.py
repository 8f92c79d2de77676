"""`arflow token`: a bearer token for development."""

from typing import Annotated

import psycopg
import typer

from api.tokens import mint_dev_token
from models.access import ROLES, Agent
from models.db.engine import make_engine
from models.db.organisations import all_org_ids
from models.money import is_currency
from settings import Settings, get_settings
from stack.process import StackError
from stack.runtime import RunningStack


def token(
    org: Annotated[str, typer.Option(help="Organisation, such as org_demo.")],
    user: Annotated[str, typer.Option(help="Person or service, such as u_clerk.")],
    role: Annotated[list[str] | None, typer.Option(help=f"May be repeated: {', '.join(ROLES)}.")] = None,
    entity: Annotated[list[str] | None, typer.Option(help="Legal entity; may be repeated. None: all.")] = None,
    agent: Annotated[str | None, typer.Option(help="An assistant that acts beside the person.")] = None,
    writes_per_hour: Annotated[int | None, typer.Option(help="Of the assistant: its commits an hour.", min=0)] = None,
    amount_minor_per_day: Annotated[
        int | None, typer.Option(help="Of the assistant: what its commits may move a day, in minor units.", min=0)
    ] = None,
    budget_currency: Annotated[
        str | None,
        typer.Option(help="Of that amount: all currencies in this one. None: each functional one by itself."),
    ] = None,
    hours: Annotated[int, typer.Option(help="How long it is valid.", min=1)] = 8760,
) -> None:
    """Print a bearer token (development only)."""
    if unknown := [name for name in role or () if name not in ROLES]:
        raise StackError(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)}")
    if agent is None and (writes_per_hour, amount_minor_per_day, budget_currency) != (None, None, None):
        raise typer.BadParameter("budgets are an assistant's: name it by --agent")
    if budget_currency is not None and not is_currency(budget_currency):
        raise typer.BadParameter(f"{budget_currency} is no currency of ISO 4217 with minor units")
    settings = get_settings()
    if (there := _organisations(settings)) and org not in there:
        raise StackError(f"no such organisation: {org}; there are {', '.join(there[:20])}")
    beside = None if agent is None else Agent(agent, writes_per_hour, amount_minor_per_day, budget_currency)
    seconds = hours * 3600
    print(mint_dev_token(settings, org, user, role or [], entity or [], lifetime_seconds=seconds, agent=beside))


def _organisations(settings: Settings) -> list[str]:
    """Those of the database that is up; none where none is, whose organisations may be yet to be made."""
    running = RunningStack.read(settings.home)
    url = settings.owner_url() if settings.database_url is not None else running and running.database_url
    if not url:
        return []
    engine = make_engine(url, pool_size=1)
    try:
        return all_org_ids(engine)
    except psycopg.Error:
        return []
    finally:
        engine.dispose()
