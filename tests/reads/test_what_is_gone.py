"""Which processes have lost their record, asked of the books."""

from models.db import open_work
from models.db.engine import transaction
from models.facts import Facts
from models.ids import new_id
from tests.books import Books
from tests.cash_desk.desk import Desk, credit_line


def test_a_process_whose_record_and_request_are_not_in_the_books_is_gone(fresh_database_url: str) -> None:
    books = Books(fresh_database_url)
    statement = Desk(books.engine, books.org).statement([credit_line(100, "x")]).statement_id
    asked = f"{new_id('pay')}/RecordPayment/1"
    with transaction(books.engine, books.org) as tx:
        row: Facts = {
            "id": new_id("cmd"), "operation": "record_payment", "path": "/p", "idem_key": "k", "key_given": True,
            "body_hash": "x", "body": {}, "actor": "u", "roles": [], "request_id": "r", "workflow_id": asked,
            "created_at": tx.now, "state": "pending", "replayed": False,
        }  # fmt: skip
        tx.insert("commands", [row])
    lost = {f"{new_id('chg')}/CustomerChange", f"{new_id('imp')}/CustomerImport", f"{new_id('pay')}/ApplyPayment/1"}
    others = {"nobody's/Process", f"{new_id('sess')}/ConfirmRemittance"}
    with transaction(books.engine, books.org) as tx:
        assert open_work.gone(tx, lost | others | {asked, f"{statement}/ImportStatement"}) == lost
    books.close()
