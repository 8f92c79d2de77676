"""Master data and settings, changed directly by a controller; each change is audited."""

from models.db import lookups, master_data
from models.errors import FieldError, Refusal
from models.master_data.answers import (
    BankAccountAnswer,
    DimensionValueAnswer,
    LedgerAccountAnswer,
    LegalEntityAnswer,
    OrganisationSettingsAnswer,
    PaymentTermsAnswer,
    bank_account_answer,
    dimension_value_answer,
    ledger_account_answer,
    legal_entity_answer,
    payment_terms_answer,
    settings_answer,
)
from models.master_data.records import (
    BankAccount,
    Dimension,
    LedgerAccount,
    LegalEntity,
    PaymentTerms,
    usual_discount_tax,
)
from models.master_data.requests import (
    ChangeSettings,
    CreateAccount,
    CreateBankAccount,
    CreateDimension,
    CreateLegalEntity,
    SetPaymentTerms,
)
from models.money import plain
from models.values import Body
from operations.runner import operation
from operations.work import Outcome, Work


@operation("create_legal_entity", CreateLegalEntity, LegalEntityAnswer)
def create_legal_entity(work: Work, asked: CreateLegalEntity) -> Outcome[LegalEntityAnswer]:
    """Add a legal entity."""
    if master_data.has_legal_entity(work.tx, asked.id):
        raise _exists(asked.id)
    entity = LegalEntity(
        id=asked.id,
        name=asked.name,
        functional_currency=asked.functional_currency,
        discount_tax=asked.discount_tax or usual_discount_tax(asked.functional_currency),
        created_at=work.now,
    )
    work.tx.insert("legal_entities", [entity])
    _audit(work, "legal_entity.created", asked)
    return Outcome(legal_entity_answer(entity), 201)


@operation("create_bank_account", CreateBankAccount, BankAccountAnswer)
def create_bank_account(work: Work, asked: CreateBankAccount) -> Outcome[BankAccountAnswer]:
    """Add a bank account to a legal entity."""
    lookups.legal_entity(work.tx, asked.legal_entity_id)
    work.require_entity(asked.legal_entity_id)
    if master_data.has_bank_account(work.tx, asked.id):
        raise _exists(asked.id)
    account = BankAccount(
        id=asked.id,
        legal_entity_id=asked.legal_entity_id,
        currency_code=asked.currency_code,
        name=asked.name,
        iban=asked.iban,
        account_number=asked.account_number,
        bic=asked.bic,
        created_at=work.now,
    )
    work.tx.insert("bank_accounts", [account])
    _audit(work, "bank_account.created", asked)
    return Outcome(bank_account_answer(account), 201)


@operation("set_payment_terms", SetPaymentTerms, PaymentTermsAnswer)
def set_payment_terms(work: Work, asked: SetPaymentTerms) -> Outcome[PaymentTermsAnswer]:
    """Add payment terms, or give them other days and another discount."""
    terms = PaymentTerms(
        code=asked.code,
        days=asked.days,
        discount_percent=None if asked.discount_percent is None else plain(asked.discount_percent),
        discount_days=asked.discount_days,
    )
    master_data.set_payment_terms(work.tx, terms)
    _audit(work, "payment_terms.set", asked)
    return Outcome(payment_terms_answer(terms), 201)


@operation("create_account", CreateAccount, LedgerAccountAnswer)
def create_account(work: Work, asked: CreateAccount) -> Outcome[LedgerAccountAnswer]:
    """Add an account to the chart."""
    if master_data.has_account(work.tx, asked.key, asked.code):
        raise Refusal("ALREADY_EXISTS", f"Account {asked.key} or number {asked.code} exists already.")
    account = LedgerAccount(key=asked.key, code=asked.code, name=asked.name, kind=asked.kind)
    work.tx.insert("accounts", [account])
    _audit(work, "account.created", asked)
    return Outcome(ledger_account_answer(account), 201)


@operation("create_dimension", CreateDimension, DimensionValueAnswer)
def create_dimension(work: Work, asked: CreateDimension) -> Outcome[DimensionValueAnswer]:
    """Add a value of an analytical dimension, such as department SALES."""
    if master_data.has_dimension(work.tx, asked.type, asked.code):
        raise Refusal("ALREADY_EXISTS", f"Dimension {asked.type} {asked.code} exists already.")
    dimension = Dimension(type=asked.type, code=asked.code, name=asked.name, created_at=work.now)
    work.tx.insert("dimensions", [dimension])
    _audit(work, "dimension.created", asked)
    return Outcome(dimension_value_answer(dimension), 201)


@operation("change_settings", ChangeSettings, OrganisationSettingsAnswer)
def change_settings(work: Work, asked: ChangeSettings) -> Outcome[OrganisationSettingsAnswer]:
    """Change the organisation's settings; null takes one back to its default."""
    before = master_data.lock_settings(work.tx)
    sent = asked.model_dump(mode="json")
    after = {name: value for name, value in {**before, **sent}.items() if value is not None}
    if master_data.read_settings(before).is_silent and not master_data.read_settings(after).is_silent:
        after["remittance_confirmation_since"] = work.now.isoformat()  # what was posted meanwhile stays unconfirmed
    master_data.keep_settings(work.tx, after)
    work.audit(work.tx.org_id, "settings.changed", {"before": before, "after": after})
    return Outcome(settings_answer(master_data.read_settings(after)))


def _audit(work: Work, action: str, asked: Body) -> None:
    work.audit(work.tx.org_id, action, {"after": asked.model_dump(mode="json")})


def _exists(record_id: str) -> Refusal:
    wrong = f"{record_id} exists already."
    return Refusal("ALREADY_EXISTS", wrong, errors=[FieldError("/id", "ALREADY_EXISTS", wrong)])
