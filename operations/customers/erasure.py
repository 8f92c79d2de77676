"""Hard deletion: no personal value of the customer stays anywhere in the database; the audit chain still verifies.

What stays are ids, roles, codes and times: that a customer was, who asked for its deletion and who approved it.
"""

from models.customers.change_records import Change
from models.db.customers import change_lists, paying
from models.db.customers import customers as store
from models.facts import Facts
from operations.work import Work

REASON = "CUSTOMER_DELETED"


def erase(work: Work, change: Change) -> list[str]:
    """Remove the customer of a deletion (or, forced and with transactions, leave a pseudonym that the ledger may point to).

    Everything told of it by changes, commands, audit payloads, exceptions and records of other rooms goes too. Other
    open changes of it are closed; the answer names their processes.
    """
    for payer in paying.forget(work.tx, change.customer_id):
        about: Facts = {"change_id": change.id, "version": payer.version}
        deleted = [f"/pays_for/{entry}" for entry in payer.entries]
        work.audit(payer.payer_id, "customer.updated", {**about, "deleted": deleted}, reason_code=REASON)
        work.emit("customer.updated", payer.payer_id, {"customer_id": payer.payer_id, **about})
    closed = change_lists.close_others(work.tx, change.customer_id, change.id, REASON)
    for change_id in closed:
        work.audit(change_id, "customer.change.closed", {"because": REASON}, reason_code=REASON)
    work.flush()
    keeps = change.force and store.has_transactions(work.tx, change.customer_id)
    change_lists.erase_customer(work.tx, change.customer_id, change.id, keep_pseudonym=keeps)
    return list(closed.values())
