"""What the database will refuse however often it is asked, as the refusal that ends it.

A connection that broke, a lock that took too long, a deadlock, a column that a migration is still to add: all pass, and the
work is repeated. A broken rule of the schema (unique, foreign key, check, exclusion, not null, the triggers of the ledger) or
a value that no column can hold does not pass: repeating it would go on for ever, unseen.
"""

from typing import Final

import psycopg
import structlog
from psycopg import errors as pg

from models.db.postgres.pipeline import STALE
from models.errors import FieldError, Refusal

log = structlog.get_logger("arflow.database")

RACES: Final = (pg.SerializationFailure, pg.DeadlockDetected, psycopg.IntegrityError, *STALE)
"""What may come of another transaction at the same moment, a migration's too: worth another look at once, a few times."""
CODE: Final = "WRITE_REFUSED"
_TEXT: Final = "The database refuses what this would write, and would again. Nothing was written."


class RefusedByDatabase(Refusal):
    """A refusal that no rule of ours foresaw."""


def final_refusal(error: BaseException) -> RefusedByDatabase | None:
    """VALIDATION_FAILED for amounts that the books cannot hold, WRITE_REFUSED for the rest; None for what passes.

    The log names the rule that was broken, and no value. Of `RACES` ask only when another look has not helped.
    """
    if isinstance(error, pg.NumericValueOutOfRange):
        wrong = "An amount, or what it comes to in the functional currency or in sum, exceeds int64 minor units."
        return RefusedByDatabase("VALIDATION_FAILED", wrong, errors=[FieldError("", "FIELD_RANGE", wrong)])
    if not isinstance(error, psycopg.IntegrityError | psycopg.DataError | pg.RaiseException):
        return None
    said = error.diag
    log.error("write refused", sqlstate=error.sqlstate, table=said.table_name, rule=said.constraint_name)
    return RefusedByDatabase(CODE, _TEXT)
