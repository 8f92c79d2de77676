"""A kept statement line as the matching rule sees it."""

from models.cash.bank_texts import BankText, plain_texts
from models.cash.matching import Credit
from models.db.tx import Row


def credit_of(x: Row, entity_id: str, payers: dict[str, frozenset[str]]) -> Credit:
    """`payers`: the customers that the payers' names of a chunk may mean, by name."""
    return Credit(
        x["amount_minor"],
        x["currency_code"],
        entity_id,
        texts=texts_of(x),
        payers=payers.get(x["payer"], frozenset()),
    )


def texts_of(x: Row) -> tuple[BankText, ...]:
    """What the bank said; of lines that an earlier build kept, what it kept of it."""
    if x["texts"]:
        return tuple(BankText.of_json(text) for text in x["texts"])
    return plain_texts(x["reference"], x["remittance_text"], x["structured_references"])
