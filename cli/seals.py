"""`arflow seals`: the newest seals as documents that can be kept outside, and proved there."""

import sys
from typing import Annotated

import typer

from models.db.engine import make_engine, transaction
from models.db.organisations import all_org_ids
from models.db.tx import to_json
from operations.seals import newest_seal, newest_stamped
from settings import get_settings
from stack.runtime import books


def seals(
    org: Annotated[str | None, typer.Option("--org", help="Only this organisation")] = None,
    stamped: Annotated[bool, typer.Option("--stamped", help="The newest that has a time stamp, with it")] = False,
) -> None:
    """Print the newest seal of every organisation, a JSON document a line; `arflow verify-evidence` proves each offline."""
    with books(get_settings()) as url:
        engine = make_engine(url, pool_size=1)
        try:
            for org_id in all_org_ids(engine) if org is None else [org]:
                with transaction(engine, org_id) as tx:
                    found = newest_stamped(tx) if stamped else newest_seal(tx)
                if found is not None:
                    print(to_json(found))
                else:
                    print(f"arflow: {org_id} has no {'stamped ' * stamped}seal yet", file=sys.stderr)
        finally:
            engine.dispose()
