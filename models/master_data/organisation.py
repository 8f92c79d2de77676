"""A new organisation as its operator describes it: entities, bank accounts and terms of its own, instead of the usual ones."""

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.master_data.requests import Bic, CreateLegalEntity, Iban, Key, SetPaymentTerms
from models.values import Body, Code, CurrencyCode, Line


class NewBankAccount(Body):
    """A bank account of the entity under which it stands."""

    id: Key
    currency_code: CurrencyCode
    name: Line
    iban: Iban | None = None
    account_number: Code | None = None
    bic: Bic | None = None


class NewLegalEntity(CreateLegalEntity):
    """A company of the organisation with its bank accounts."""

    bank_accounts: Annotated[list[NewBankAccount], Field(max_length=100)] = Field(default_factory=list)


class NewOrganisation(Body):
    """`id` such as org_acme. Terms and chart of accounts are the usual ones unless given; accounts may be added later."""

    id: Annotated[str, Field(pattern=r"^org_[a-z0-9_]{1,60}$")]
    name: Line
    legal_entities: Annotated[list[NewLegalEntity], Field(min_length=1, max_length=1000)]
    payment_terms: Annotated[list[SetPaymentTerms], Field(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _each_once(self) -> "NewOrganisation":
        entities = [e.id for e in self.legal_entities]
        accounts = [a.id for e in self.legal_entities for a in e.bank_accounts]
        terms = [t.code for t in self.payment_terms or ()]
        for what, ids in (("legal entity", entities), ("bank account", accounts), ("payment term", terms)):
            if twice := {i for i in ids if ids.count(i) > 1}:
                raise PydanticCustomError("NAMED_TWICE", f"The {what} {min(twice)} is named twice")
        return self
