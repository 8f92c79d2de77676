-- A line that no invoice answered knows the names that it waits for, so that an invoice that comes later finds it.
ALTER TABLE statement_lines ADD COLUMN IF NOT EXISTS waiting_for text[], ADD COLUMN IF NOT EXISTS looked_at timestamptz;
