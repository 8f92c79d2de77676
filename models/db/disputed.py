"""How much of an invoice `i` is disputed now: all that is due where it is disputed as a whole, else what is deducted of that."""

from typing import Final

DISPUTED_MINOR: Final = """CASE WHEN i.disputed_at IS NULL THEN least(i.deducted_minor, i.balance_due_minor)
  ELSE i.balance_due_minor END"""
