"""One CAMT.053 entry (Ntry) and its transactions (TxDtls) as statement lines.

An entry is what moved on the account. A batch entry becomes one line per transaction where the transactions' amounts
are all given in the entry's currency and add up to it; else it stays one line, with a warning. CdtDbtInd is the
direction money really moved, also for a reversal (RvslInd): ISO 20022 says that the original went the other way.
"""

from dataclasses import dataclass
from datetime import date

from models.cash.bank_texts import BankText, Role
from models.cash.statements import BATCH_NOT_SPLIT, ReadBefore, StatementLine, StatementWarning
from statement_readers.camt_texts import ID_WIDTH, TEXT_WIDTH, everything_else, in_order, note, read_remittance
from statement_readers.camt_xml import Element, Kids, kids, local, money, place, text, text_at
from statement_readers.fields import MAX_TEXT, clean, to_date, unreadable
from statement_readers.joining import bank_text, kept

USTRD_LENGTH = TEXT_WIDTH
_RETURNS = {"RRTN", "RPCR", "UPDD", "PRDD", "UPCQ", "CQRV"}
"""Sub-families of ISO 20022's bank transaction codes: what had come in goes back."""
_NO_REFERENCE = {"NOTPROVIDED", "NOTAVAILABLE", "NONREF"}


@dataclass(frozen=True, slots=True)
class Detail:
    """One TxDtls. `amounts` are unsigned, by currency: the transaction's own, and what it is worth in the account's.
    `charges` likewise: what was taken out of it."""

    amounts: dict[str, int]
    charges: dict[str, int]
    indicator: str | None
    debtor: str | None
    creditor: str | None
    reference: str | None
    bank_ref: str | None
    text: str | None
    text_before: str | None
    structured: tuple[str, ...]
    texts: tuple[BankText, ...]


def read_amount(element: Element, parts: Kids) -> tuple[int, str]:
    """The Amt child: unsigned minor units and currency."""
    if "Amt" not in parts:
        raise unreadable("an amount (Amt) is missing.", line=place(element))
    return money(parts["Amt"])


def read_day(element: Element) -> date:
    """Dt or DtTm inside, or the text itself; the bank's own day, whatever its time zone."""
    for item in element:
        if local(item) in {"Dt", "DtTm"}:
            element = item
            break
    return to_date((element.text or "").strip()[:10], line=place(element))


def read_detail(element: Element) -> Detail:
    parts = kids(element)
    remittance = read_remittance(parts.get("RmtInf"))
    parties, references = kids(parts.get("RltdPties")), kids(parts.get("Refs"))
    return Detail(
        amounts=_detail_amounts(parts),
        charges=read_charges(element),
        indicator=text(parts.get("CdtDbtInd")),
        debtor=_party(parties.get("Dbtr")) or _party(parties.get("UltmtDbtr")),
        creditor=_party(parties.get("Cdtr")) or _party(parties.get("UltmtCdtr")),
        reference=_reference(references),
        bank_ref=clean(text(references.get("AcctSvcrRef"))),
        text=remittance.free or clean(text(parts.get("AddtlTxInf")), MAX_TEXT),
        text_before=remittance.free_before or clean(text(parts.get("AddtlTxInf")), MAX_TEXT),
        structured=remittance.structured,
        texts=in_order(
            remittance.texts,
            kept(_payers_reference(references)),
            kept(note("AddtlTxInf", parts.get("AddtlTxInf"), searched=not remittance.free)),
            everything_else(element),
        ),
    )


def _detail_amounts(parts: Kids) -> dict[str, int]:
    """Amt from version 04 on; beside it what the transaction is worth in other currencies. Of two in one currency the first is
    the one."""
    found: dict[str, int] = {}
    details = kids(parts.get("AmtDtls"))
    for inside in (parts, *(kids(details.get(name)) for name in ("TxAmt", "CntrValAmt", "InstdAmt"))):
        if "Amt" in inside:
            minor, currency = money(inside["Amt"])
            found.setdefault(currency, minor)
    return found


def read_charges(element: Element) -> dict[str, int]:
    """What was taken as charges, by currency: the total where it is given, else the sum of the records; those given back count
    against it."""
    total: dict[str, int] = {}
    records: dict[str, int] = {}
    for charges in element:
        if local(charges) != "Chrgs":
            continue
        for part in (charges, *(child for child in charges if local(child) == "Rcrd")):
            inside = kids(part)
            if "TtlChrgsAndTaxAmt" in inside:
                minor, currency = money(inside["TtlChrgsAndTaxAmt"])
                total[currency] = total.get(currency, 0) + minor
            if "Amt" in inside:
                minor, currency = money(inside["Amt"])
                back = text(inside.get("CdtDbtInd")) == "CRDT"
                records[currency] = records.get(currency, 0) + (-minor if back else minor)
    return records | total


def _party(role: Element | None) -> str | None:
    """Dbtr/Nm up to version 07, Dbtr/Pty/Nm (or an agent's) from 08 on."""
    inside = kids(role)
    if "Nm" in inside:
        return clean(text(inside["Nm"]))
    return clean(text_at(inside.get("Pty"), "Nm") or text_at(inside.get("Agt"), "FinInstnId", "Nm"))


def _reference(references: Kids) -> str | None:
    found = _payers_reference(references)
    return found.text if found else None


def _payers_reference(references: Kids) -> BankText | None:
    for name in ("EndToEndId", "InstrId", "TxId", "PmtInfId"):
        found = bank_text(f"Refs/{name}", text(references.get(name)), Role.OWN_REFERENCE, width=ID_WIDTH)
        if found is not None and found.text.upper() not in _NO_REFERENCE:
            return found
    return None


def entry_lines(
    entry: Element, parts: Kids, details: list[Detail]
) -> tuple[list[StatementLine], list[StatementWarning]]:
    """The lines of one booked entry, not yet numbered."""
    amount, currency = read_amount(entry, parts)
    indicator = text(parts.get("CdtDbtInd"))
    if indicator not in {"CRDT", "DBIT"}:
        raise unreadable("an entry says neither credit nor debit (CdtDbtInd).", line=place(entry))
    signed = amount if indicator == "CRDT" else -amount
    whole = _whole(entry, parts, details, signed, currency)
    if len(details) < 2:
        return [whole], []
    amounts = [_signed(detail, indicator, currency) for detail in details]
    known = [amount for amount in amounts if amount is not None]
    if len(known) == len(amounts):
        charges = _charges_between(entry, details, sum(known) - signed, currency)
        if charges is not None:
            marked = text(parts.get("RvslInd")) in {"true", "1"}
            shown = _of_entry(entry)
            split = [_part(whole, detail, amount, marked, shown) for detail, amount in zip(details, known, strict=True)]
            return [*split, *([_charges_line(whole, charges)] if charges else [])], []
    at_line = f" (line {place(entry)})" if place(entry) else ""
    detail = f"A batch entry{at_line} was kept as one line: its {len(details)} transactions do not add up to it."
    return [whole], [StatementWarning(BATCH_NOT_SPLIT, detail)]


def _charges_between(entry: Element, details: list[Detail], difference: int, currency: str) -> int | None:
    """The charges by which the transactions exceed their entry: 0 where they are equal, None where the charges that the bank
    tells are others."""
    if not difference:
        return 0
    told = (read_charges(entry).get(currency, 0), sum(detail.charges.get(currency, 0) for detail in details))
    return difference if difference in told else None


def _charges_line(whole: StatementLine, charges: int) -> StatementLine:
    """What the bank took out of a batch, apart: no receipt, and no part of one."""
    return StatementLine(
        line=0,
        booking_date=whole.booking_date,
        value_date=whole.value_date,
        amount_minor=-charges,
        currency_code=whole.currency_code,
        remittance_text="Charges",
        bank_ref=whole.bank_ref,
        entry_ref=whole.bank_ref,
        entry_minor=whole.amount_minor,
        texts=kept(bank_text("Chrgs", "Charges")),
    )


def _of_entry(entry: Element) -> tuple[BankText, ...]:
    """What the bank says of a whole batch, shown with each of its parts."""
    return (*kept(note("AddtlNtryInf", kids(entry).get("AddtlNtryInf"), searched=False)), *everything_else(entry))


def _signed(detail: Detail, entry_indicator: str, currency: str) -> int | None:
    amount = detail.amounts.get(currency)
    if amount is None:
        return None
    return amount if (detail.indicator or entry_indicator) == "CRDT" else -amount


def _whole(entry: Element, parts: Kids, details: list[Detail], signed: int, currency: str) -> StatementLine:
    """The entry as one line, with what its transactions have in common."""
    booking, value = parts.get("BookgDt"), parts.get("ValDt")
    dated = value if value is not None else booking
    if dated is None:
        raise unreadable("an entry has neither a booking nor a value date.", line=place(entry))
    value_date = read_day(dated)
    payers = {detail.debtor if signed >= 0 else detail.creditor for detail in details}
    references = {detail.reference for detail in details}
    structured = tuple(dict.fromkeys(item for detail in details for item in detail.structured))
    free = clean(" ".join(detail.text for detail in details if detail.text), MAX_TEXT)
    free_before = clean(" ".join(detail.text_before for detail in details if detail.text_before), MAX_TEXT)
    entry_note = clean(text(parts.get("AddtlNtryInf")), MAX_TEXT)
    own_ref = details[0].bank_ref if len(details) == 1 else None
    payer = payers.pop() if len(payers) == 1 else None
    reference = references.pop() if len(references) == 1 else None
    # Not NtryRef: it may count within the file, and the same line in another file must stay the same line.
    bank_ref = clean(text(parts.get("AcctSvcrRef"))) or own_ref
    before = ReadBefore(payer, reference, free_before or entry_note, bank_ref)
    texts = in_order(
        *(detail.texts for detail in details),
        kept(note("AddtlNtryInf", parts.get("AddtlNtryInf"), searched=not free)),
        everything_else(entry),
    )
    return StatementLine(
        line=0,
        booking_date=read_day(booking) if booking is not None else value_date,
        value_date=value_date,
        amount_minor=signed,
        currency_code=currency,
        payer=payer,
        reference=reference,
        remittance_text=free or entry_note,
        structured_references=structured,
        bank_ref=bank_ref,
        reversal=text(parts.get("RvslInd")) in {"true", "1"} or (signed < 0 and _is_return(texts)),
        texts=texts,
        read_before=before if (free or entry_note) != before.remittance_text else None,
    )


def _is_return(texts: tuple[BankText, ...]) -> bool:
    """Whether the bank says of a debit that it gives a receipt back."""
    return any(
        item.field.startswith("RtrInf/") or (item.field.endswith("/SubFmlyCd") and item.text in _RETURNS)
        for item in texts
    )


def _part(
    whole: StatementLine, detail: Detail, signed: int, marked: bool, of_entry: tuple[BankText, ...]
) -> StatementLine:
    """One transaction of a batch: the entry's dates and reversal mark, everything else its own."""
    payer, bank_ref = detail.debtor if signed >= 0 else detail.creditor, detail.bank_ref or whole.bank_ref
    texts = in_order(detail.texts, of_entry)
    before = ReadBefore(payer, detail.reference, detail.text_before, bank_ref)
    return StatementLine(
        line=0,
        booking_date=whole.booking_date,
        value_date=whole.value_date,
        amount_minor=signed,
        currency_code=whole.currency_code,
        payer=payer,
        reference=detail.reference,
        remittance_text=detail.text,
        structured_references=detail.structured,
        bank_ref=bank_ref,
        reversal=marked or (signed < 0 and _is_return(texts)),
        entry_ref=whole.bank_ref,
        entry_minor=whole.amount_minor,
        texts=texts,
        read_before=before if detail.text != detail.text_before else None,
    )
