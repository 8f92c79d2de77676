"""Exports of contacts: each row a person, with the company that it works for. The company is the customer.

The person's name, e-mail and phone are the contact's. A customer needs an e-mail; where the company has no column of its own
for one, the person's is the customer's, too. The row's id is the person's and no company's.
"""

from collections.abc import Sequence
from typing import Final

from models.imports.presets import normal

_COMPANY: Final = {
    "salesforce": {"accountname"},
    "hubspot": {"associatedcompany", "primaryassociatedcompany", "companyname", "company"},
}
_PERSON: Final = {"firstname", "lastname"}
_THEIRS: Final[dict[str, dict[str, str | None]]] = {
    "salesforce": {"name": "contact.name", "fullname": "contact.name", "phone": "contact.phone", "businessphone": "contact.phone",
                   "id": None, "contactid": None, "accountnumber": None},
    "hubspot": {"phonenumber": "contact.phone", "phone": "contact.phone", "recordid": None, "jobtitle": "contact.role",
                "recordidcontact": None},
}  # fmt: skip


def of_contacts(header: Sequence[str], source: str) -> bool:
    """Whether the rows are people: a person's name beside the company's."""
    keys = {normal(name) for name in header}
    whole = source == "salesforce" and "name" in keys
    return bool(keys & _COMPANY.get(source, set())) and (bool(keys & _PERSON) or whole)


def as_contacts(
    header: Sequence[str], fields: Sequence[str | None], source: str, mapped: Sequence[str]
) -> list[str | None]:
    """The field of each column where the rows are people; what a mapping names (normalised) stays."""
    keys = [normal(name) for name in header]
    theirs = dict(_THEIRS[source])
    if set(keys) & _PERSON:
        theirs |= {"name": None, "fullname": None}
    return [theirs.get(k, f) if k not in mapped else f for k, f in zip(keys, fields, strict=True)]
