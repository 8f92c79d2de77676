"""A legal entity's particulars, changed directly by a controller."""

from models.db import lookups, master_data
from models.master_data.answers import LegalEntityAnswer, legal_entity_answer
from models.master_data.requests import ChangeLegalEntity
from operations.runner import operation
from operations.work import Outcome, Work


@operation("change_legal_entity", ChangeLegalEntity, LegalEntityAnswer)
def change_legal_entity(work: Work, asked: ChangeLegalEntity) -> Outcome[LegalEntityAnswer]:
    """Change what is sent of a legal entity. What is posted stays as it was; what follows takes the new rule for its tax."""
    entity = lookups.legal_entity(work.tx, str(work.cmd.resource_id), lock=True)
    work.require_entity(entity.id)
    after = asked.applied_to(entity)
    master_data.change_legal_entity(work.tx, after)
    work.audit(
        work.tx.org_id, "legal_entity.changed",
        {"legal_entity_id": entity.id, "before": legal_entity_answer(entity), "after": legal_entity_answer(after)},
    )  # fmt: skip
    return Outcome(legal_entity_answer(after))
