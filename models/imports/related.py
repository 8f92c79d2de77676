"""What columns that go together make of a row: related records, texts of several columns, keys of metadata.

An address, contact or tax profile that lacks what it needs is no fault of its customer: it is kept as incomplete, with a
warning. A new customer comes without it; a known one's own is completed by it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pydantic import JsonValue, ValidationError
from pydantic_core import PydanticCustomError

from models.answers import JsonObject
from models.customers.bodies import Address, Contact, CreateCustomer, TaxProfile
from models.imports.checked import Checked, RowFault, code_of
from models.imports.cleaning import NOBODY, NOTHING
from models.imports.columns import JOINED, PLAIN
from models.imports.contacts import of_contacts
from models.imports.groups import Part, before, chosen, group_of, name_of, shared
from models.imports.postal import zero_lost
from models.imports.presets import PRESETS, normal

Clean = Callable[[str], str]
Column = tuple[int, str, Clean | None]
"""Its place (from 0), its field, and how its source writes such a value."""
RELATED: Final[Mapping[str, tuple[str, type[Address] | type[Contact] | type[TaxProfile], dict[str, str]]]] = {
    "billing_address": ("addresses", Address, {"type": "billing"}),
    "shipping_address": ("addresses", Address, {"type": "shipping"}),
    "contact": ("contacts", Contact, {}),
    "tax_profile": ("tax_profiles", TaxProfile, {}),
}
LISTS: Final = ("addresses", "contacts", "pricing_tiers", "tax_profiles", "dimensions", "pays_for")
INCOMPLETE: Final = {
    "addresses": "ADDRESS_INCOMPLETE",
    "contacts": "CONTACT_INCOMPLETE",
    "tax_profiles": "TAX_PROFILE_INCOMPLETE",
}


class RelatedColumns:
    """The columns of one file that are no plain fields. `notes` and `metadata` are the checks of these fields."""

    def __init__(
        self, header: Sequence[str], columns: Sequence[Column], source: str, *, notes: Clean,
        metadata: Callable[[JsonObject], str],
    ) -> None:  # fmt: skip
        self._header, self._notes, self._metadata = header, notes, metadata
        known = PRESETS.get(source, {})
        self._named = source in PLAIN  # whoever names our fields means them one by one
        nouns: dict[str, list[Part]] = defaultdict(list)
        self._clean: dict[int, Clean] = {}
        self._fields = {i: field for i, field, _ in columns}
        for i, field, clean in columns:
            noun, _, part = field.partition(".")
            key = normal(header[i])
            nouns[noun].append(Part(i, part, group_of(key, known.get(key) == field)))
            if clean is not None:
                self._clean[i] = clean
        if of_contacts(header, source) and not any(p.part == "email" for p in nouns["contact"]):
            # The person's address, which is the customer's for want of another.
            nouns["contact"] += [Part(i, "email", "plain") for i, name in enumerate(header) if normal(name) == "email"]
        self._nouns = {n: shared(parts) if n.endswith("_address") else parts for n, parts in nouns.items()}
        self._columns = sorted({p.column for parts in nouns.values() for p in parts})
        self._names = {p.column for p in nouns["contact"] if p.part == "name"}

    def __bool__(self) -> bool:
        return bool(self._columns)

    def fill(self, row: Checked, cells: Sequence[str]) -> None:
        """Put into the row what the columns say, and their faults, each with its own column."""
        said = {
            i: text
            for i in self._columns
            if (text := cells[i].strip()) and (text not in NOTHING or (i in self._names and text not in NOBODY))
        }
        for i in sorted(said.keys() & self._clean.keys()):
            try:
                if cleaned := self._clean[i](said[i]):
                    said[i] = cleaned
                else:
                    del said[i]
            except PydanticCustomError as wrong:
                row.faults.append(RowFault.of(self._fields[i], self._header[i], i + 1, wrong))
                return
        if said:
            for noun, parts in self._nouns.items():
                taken, others = chosen(parts, said)
                if taken:
                    self._noun(row, noun, taken, said)
                if any(before(p, taken) for p in others):
                    row.warn("ADDRESS_INCOMPLETE")

    def _noun(self, row: Checked, noun: str, taken: Sequence[Part], said: Mapping[int, str]) -> None:
        places: dict[str, int] = {}
        for p in sorted(taken, key=lambda p: bool(p.group)):
            places.setdefault(p.part, p.column)
        try:
            of = self._texts(noun, taken, said, places)
            if noun in RELATED:
                self._related(row, noun, of, places)
            elif noun == "notes":
                row.values["notes"] = self._notes(of[""])
            else:
                whole = row.values.get("metadata")
                row.values["metadata"] = self._metadata(json.loads(whole) | of if whole else of)
                if whole is None:  # of a known customer these keys change, and no others
                    row.relate().metadata_keys = True
        except PydanticCustomError as wrong:
            at = min(places.values())
            row.faults.append(RowFault.of(noun, self._header[at], at + 1, wrong))

    def _texts(
        self, noun: str, taken: Sequence[Part], said: Mapping[int, str], places: Mapping[str, int]
    ) -> dict[str, str]:
        of = {part: said[column] for part, column in places.items()}
        for part in of:
            if (f"{noun}.{part}" if part else noun) not in JOINED:
                continue
            spoken = [p for p in sorted(taken, key=lambda p: p.column) if p.part == part]
            if noun == "contact":
                named = [p for p in spoken if not p.group] or spoken
                of[part] = name_of(
                    [(normal(self._header[p.column]), said[p.column]) for p in named], not named[0].group
                )
            else:
                of[part] = ("\n" if part == "lines" else " ").join(said[p.column] for p in spoken)
        return of

    def _related(self, row: Checked, noun: str, of: dict[str, str], places: Mapping[str, int]) -> None:
        target, model, fixed = RELATED[noun]
        given: dict[str, JsonValue] = {**of, **fixed}
        if "lines" in of:
            given["lines"] = [line for text in of["lines"].split("\n") if (line := text.strip())]
        try:
            made = model.model_validate(given).model_dump(mode="json")
            if target == "addresses" and zero_lost(made["country"], made["postal_code"]):
                row.warn("POSTAL_CODE_SHORT")
            row.relate().lists.setdefault(target, []).append(made)
        except ValidationError as wrong:
            errors = wrong.errors(include_url=False, include_input=False)
            faults = [e for e in errors if e["type"] != "missing"]
            if any(e["loc"] == ("phone",) for e in faults) and doubtful_phone("phone", of["phone"]):
                row.warn("PHONE_INVALID")
                self._related(row, noun, {part: text for part, text in of.items() if part != "phone"}, places)
                return
            for e in faults:
                part = str(e["loc"][0]) if e["loc"] else ""
                at = places.get(part, min(places.values()))
                row.faults.append(RowFault(f"{noun}.{part}", self._header[at], at + 1, code_of(e["type"]), e["msg"]))
            if not faults:
                # Its parts were judged with the others, which were in order: what is there may be kept.
                named: dict[str, JsonValue] = {"named": True} if self._named else {}
                row.relate().incomplete.setdefault(target, []).append(given | named)
                row.warn(INCOMPLETE[target])


def doubtful_phone(field: str, text: str) -> bool:
    """Whether a telephone number that cannot be read is one all the same, with a remark beside it: the customer is not lost
    for it, the number is left out with a warning."""
    return field == "phone" and sum(map(str.isdigit, text)) >= 3


def lists_of(row: Checked, given: Mapping[str, object], entity: str, dimensions: frozenset[tuple[str, str]]) -> None:
    """Nested lists of a JSON row, checked as the whole body of a create would be."""
    try:
        whole = CreateCustomer.model_validate({"legal_entity_id": entity, **given})
    except ValidationError as wrong:
        row.faults += [
            RowFault(
                "/".join(map(str, e["loc"]))[:100],
                str(e["loc"][0])[:100] if e["loc"] else None,
                None,
                code_of(e["type"]),
                e["msg"],
            )
            for e in wrong.errors(include_url=False, include_input=False)
        ]
        return
    made = whole.model_dump(mode="json")
    row.faults += [
        RowFault("dimensions", "dimensions", None, "DIMENSION_UNKNOWN", "There is no such dimension value.")
        for d in made["dimensions"]
        if (d["type"], d["code"]) not in dimensions
    ]
    row.relate().lists |= {name: made[name] for name in LISTS if made[name]}
