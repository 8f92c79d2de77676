-- A part of a batch knows the batch, so that a sum and its parts are told to be the same money; a line knows the payments
-- recorded by hand that it may be, and whether it found its invoices later.
ALTER TABLE statement_lines
  ADD COLUMN IF NOT EXISTS entry_ref text,
  ADD COLUMN IF NOT EXISTS entry_minor bigint,
  ADD COLUMN IF NOT EXISTS matched_later boolean NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS possible_payments jsonb NOT NULL DEFAULT '[]';
