"""A record that is asked for again under its external_id: the same is told as it stands, another is refused."""

from collections.abc import Sequence

from models.errors import Refusal
from models.facts import Facts, Record
from models.values import Body


def differing(asked: Facts, known: Record | Body) -> list[str]:
    """The fields in which what is asked now is not what was recorded."""
    return [name for name, value in asked.items() if value != getattr(known, name)]


def refuse_another(what: str, fields: Sequence[str], record_id: str | None = None) -> None:
    """EXTERNAL_ID_CONFLICT naming the fields in which `what` the external_id was used for differs; none where none do."""
    if fields:
        raise conflict(what, fields, record_id)


def conflict(what: str, fields: Sequence[str], record_id: str | None = None) -> Refusal:
    """EXTERNAL_ID_CONFLICT: the external_id was used for `what`, its id `record_id` where the caller may have it."""
    detail = f"external_id was used for {what}; different: {', '.join(fields)}."
    refusal = Refusal("EXTERNAL_ID_CONFLICT", detail, fields=list(fields))
    if record_id is not None:
        refusal.extra["id"] = record_id
    return refusal
