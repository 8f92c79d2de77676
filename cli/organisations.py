"""`arflow org` and `arflow customer`: the bootstrap path, in development only, audited."""

import csv
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from psycopg import IntegrityError
from psycopg.errors import InsufficientPrivilege
from pydantic import ValidationError

from cli import yaml_files
from models.db.engine import make_engine, transaction
from models.errors import Refusal
from models.master_data.organisation import NewOrganisation
from operations.organisations import create_organisation
from settings import SettingsError, get_settings
from stack.process import StackError
from stack.runtime import books, place

org = typer.Typer(help="Organisations.", no_args_is_help=True)
_NOT_OWNER: Final = (
    "this login of the database may not make organisations: ARFLOW_DATABASE_URL has to be the schema owner's, as for `arflow "
    "migrate`"
)
customer = typer.Typer(help="Customers, past approval (development only).", no_args_is_help=True)


@org.command("create")
def create_org(
    org_id: Annotated[str | None, typer.Argument(help="Such as org_acme; with --file the file names it")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Display name")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help="Its entities, bank accounts and terms (YAML)"),
    ] = None,
) -> None:
    """Make an organisation: with the usual terms, chart of accounts, entities and bank accounts, or with those of a file.
    It takes the login of the schema's owner."""
    described = None if file is None else _described(file, org_id, name)
    if described is not None:
        org_id, name = described.id, described.name
    if org_id is None or name is None:
        raise StackError("give an id and --name, or --file")
    settings = get_settings()
    with books(settings) as url:
        engine = make_engine(url, role=None, pool_size=1)
        try:
            with transaction(engine, org_id) as tx:
                create_organisation(tx, name, described=described)
        except IntegrityError as e:
            reason = "exists already" if "organisations_pkey" in str(e) else "is not a valid id (org_a-z0-9_)"
            raise StackError(f"organisation {org_id} {reason}") from None
        except InsufficientPrivilege:
            raise StackError(_NOT_OWNER) from None
        finally:
            engine.dispose()
    print(org_id)
    print(f"arflow: in {place(settings)}", file=sys.stderr)


def _described(file: Path, org_id: str | None, name: str | None) -> NewOrganisation:
    """The organisation that the file describes."""
    try:
        found = NewOrganisation.model_validate(yaml_files.read(file.read_text(encoding="utf-8-sig")))
    except (yaml_files.NotReadable, UnicodeDecodeError) as error:
        raise StackError(f"{file}: {error}") from None
    except ValidationError as error:
        told = (f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors(include_url=False))
        raise StackError(f"{file}: {'; '.join(told)}") from None
    if org_id not in (None, found.id) or name not in (None, found.name):
        raise StackError(f"{file} describes {found.id}, {found.name}")
    return found


@customer.command("create")
def create_customer(
    org: Annotated[str, typer.Option("--org", help="Organisation id")],
    name: Annotated[str | None, typer.Option("--name")] = None,
    email: Annotated[str | None, typer.Option("--email")] = None,
    entity: Annotated[str, typer.Option("--entity", help="Legal entity that owns the customer")] = "le_us",
    file: Annotated[Path | None, typer.Option("--file", help="CSV with name,email and other customer fields")] = None,
) -> None:
    """Create customers directly and print their ids, one a line. One whose external_id is known is only printed."""
    from operations.customers.bootstrap import bootstrap_customers

    settings = get_settings()
    if settings.production:
        raise SettingsError("customers are created past approval in development only; use POST /v1/customers")
    if file is not None:
        with file.open(newline="", encoding="utf-8-sig") as f:
            rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(f)]
    elif name and email:
        rows = [{"name": name, "email": email}]
    else:
        raise StackError("give --name and --email, or --file")
    with books(settings) as url:
        engine = make_engine(url, pool_size=1)
        try:
            with transaction(engine, org) as tx:
                ids = bootstrap_customers(tx, [{"legal_entity_id": entity, **r} for r in rows])
        except IntegrityError as e:
            raise StackError(_refused(org, e)) from None
        except Refusal as claimed:
            raise StackError(f"{claimed.code}: {claimed.detail}") from None
        finally:
            engine.dispose()
    print("\n".join(ids))
    print(f"arflow: in {place(settings)}", file=sys.stderr)


def _refused(org: str, error: IntegrityError) -> str:
    """What the database did not accept, in the words of the command."""
    said = str(error)
    if "customers_email" in said:
        return "a customer with one of these e-mail addresses exists already"
    if "customers_tax_id" in said:
        return "a customer with one of these tax ids exists already"
    if "customers_external" in said:
        return "an external_id appears more than once"
    if "legal_entity" in said:
        return f"there is no such organisation ({org}) or legal entity"
    return "the customers are not valid: " + said.splitlines()[0]
