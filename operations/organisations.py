"""Making an organisation with its defaults. Done by the schema's owner from the command line, never by the API."""

from models.db.tx import Tx
from models.facts import Facts
from models.master_data.organisation import NewBankAccount, NewLegalEntity, NewOrganisation
from models.master_data.records import usual_discount_tax
from models.master_data.requests import SetPaymentTerms
from operations.commands import own_command
from operations.work import Work

PAYMENT_TERMS = {"NET30": 30, "NET45": 45, "NET60": 60}
LEGAL_ENTITIES = ("le_us", "US entity", "USD", "bank_us"), ("le_uk", "UK entity", "GBP", "bank_uk")
CHART_OF_ACCOUNTS = (
    ("cash", "1000", "Cash at bank", "asset"),
    ("accounts_receivable", "1100", "Accounts receivable", "asset"),
    ("tax_withheld", "1190", "Tax withheld by customers, to be set off", "asset"),
    ("unapplied_cash", "2100", "Unapplied cash", "liability"),
    ("customer_credits", "2110", "Customer credits", "liability"),
    ("tax_payable", "2200", "Sales tax and VAT payable", "liability"),
    ("revenue", "4000", "Revenue", "revenue"),
    ("sales_discounts", "4980", "Early-payment discounts granted", "revenue"),
    ("fx_gain_loss", "7000", "Realised foreign exchange gain or loss", "revenue"),
    ("write_off", "7100", "Receivables written off", "expense"),
    ("bank_fees", "7190", "Fees that banks took out of receipts", "expense"),
)


def create_organisation(tx: Tx, name: str, actor: str = "cli", described: NewOrganisation | None = None) -> None:
    """The organisation of this transaction, with payment terms, chart of accounts, entities and bank accounts: as `described`,
    else the usual ones."""
    asked = described or _usual(tx.org_id, name)
    org: Facts = {"name": asked.name, "settings": {}, "created_at": tx.now}
    tx.insert("organisations", [org])
    terms = asked.payment_terms or [SetPaymentTerms(code=code, days=days) for code, days in PAYMENT_TERMS.items()]
    tx.insert("payment_terms", [{name: getattr(t, name) for name in SetPaymentTerms.model_fields} for t in terms])
    tx.insert("accounts", [{"key": k, "code": c, "name": n, "kind": t} for k, c, n, t in CHART_OF_ACCOUNTS])
    tx.insert(
        "legal_entities",
        [
            {
                "id": e.id,
                "name": e.name,
                "functional_currency": e.functional_currency,
                "discount_tax": e.discount_tax or usual_discount_tax(e.functional_currency),
                "created_at": tx.now,
            }
            for e in asked.legal_entities
        ],
    )
    tx.insert(
        "bank_accounts",
        [
            {
                "legal_entity_id": e.id,
                "created_at": tx.now,
                **{name: getattr(a, name) for name in NewBankAccount.model_fields},
            }
            for e in asked.legal_entities
            for a in e.bank_accounts
        ],
    )
    work = bootstrap_work(tx, actor)
    after = {"name": asked.name} | (
        {} if described is None else {"legal_entities": [e.id for e in asked.legal_entities]}
    )
    work.audit(tx.org_id, "organisation.created", {"after": after})
    work.flush()


def _usual(org_id: str, name: str) -> NewOrganisation:
    return NewOrganisation.model_construct(
        id=org_id,
        name=name,
        legal_entities=[
            NewLegalEntity(
                id=i, name=n, functional_currency=currency,
                bank_accounts=[NewBankAccount(id=bank, currency_code=currency, name=f"{n} main account")],
            )
            for i, n, currency, bank in LEGAL_ENTITIES
        ],
    )  # fmt: skip


def bootstrap_work(tx: Tx, actor: str, workflow_id: str | None = None) -> Work:
    """A unit of work outside any request: for the command line, schedules and, with their id, for processes."""
    return Work(tx, own_command("bootstrap", actor=actor, workflow_id=workflow_id))
