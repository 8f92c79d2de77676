-- The chart of accounts. `key` is the name that docs/api.md uses; `code` is the organisation's own number.
CREATE TABLE accounts (
  org_id text NOT NULL REFERENCES organisations,
  key    text NOT NULL,
  code   text NOT NULL,
  name   text NOT NULL,
  kind   text NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'revenue', 'expense')),
  PRIMARY KEY (org_id, key),
  UNIQUE (org_id, code)
);
CALL arflow_guard('accounts', 'SELECT, INSERT, UPDATE');

-- A month is open until a row here says closed. `period` is YYYY-MM.
CREATE TABLE periods (
  org_id    text NOT NULL REFERENCES organisations,
  period    char(7) NOT NULL CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  status    text NOT NULL CHECK (status IN ('open', 'closed')),
  changed_at timestamptz NOT NULL DEFAULT now(),
  changed_by text NOT NULL,
  PRIMARY KEY (org_id, period)
);
CALL arflow_guard('periods', 'SELECT, INSERT, UPDATE');

-- rate = units of quote per one unit of base, in major units.
CREATE TABLE fx_rates (
  org_id     text NOT NULL REFERENCES organisations,
  base       char(3) NOT NULL,
  quote      char(3) NOT NULL,
  rate_date  date NOT NULL,
  rate       numeric NOT NULL CHECK (rate > 0),
  source     text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  recorded_by text NOT NULL,
  PRIMARY KEY (org_id, base, quote, rate_date),
  CHECK (base <> quote)
);
CALL arflow_guard('fx_rates', 'SELECT, INSERT, UPDATE');

-- The ledger. Entries and lines are never changed; lines come only with their entry, in its transaction. Every column is
-- held by a hash; entries are listed by their ids, which rise in the order of posting.
CREATE TABLE journal_entries (
  org_id              text NOT NULL REFERENCES organisations,
  id                  text NOT NULL,
  entry_date          date NOT NULL,
  kind                text NOT NULL,
  source_id           text NOT NULL,
  legal_entity_id     text NOT NULL,
  functional_currency char(3) NOT NULL,
  digest              text NOT NULL,
  created_at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities
);
CREATE INDEX journal_entries_source ON journal_entries (org_id, source_id);
CREATE INDEX journal_entries_date ON journal_entries (org_id, entry_date);
CALL arflow_guard('journal_entries', 'SELECT, INSERT');
CALL arflow_append_only('journal_entries');
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON journal_entries DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION journal_entry_balances();

CREATE TABLE journal_lines (
  org_id                  text NOT NULL,
  entry_id                text NOT NULL,
  line_no                 int NOT NULL,
  account                 text NOT NULL,
  debit_minor             bigint NOT NULL CHECK (debit_minor >= 0),
  credit_minor            bigint NOT NULL CHECK (credit_minor >= 0),
  currency_code           char(3) NOT NULL,
  functional_debit_minor  bigint NOT NULL CHECK (functional_debit_minor >= 0),
  functional_credit_minor bigint NOT NULL CHECK (functional_credit_minor >= 0),
  customer_id             text,
  invoice_id              text,
  bank_account_id         text,
  PRIMARY KEY (org_id, entry_id, line_no),
  FOREIGN KEY (org_id, entry_id) REFERENCES journal_entries,
  FOREIGN KEY (org_id, account) REFERENCES accounts,
  CHECK (debit_minor = 0 OR credit_minor = 0),
  CHECK (functional_debit_minor = 0 OR functional_credit_minor = 0)
);
CREATE INDEX journal_lines_account ON journal_lines (org_id, account);
CALL arflow_guard('journal_lines', 'SELECT, INSERT');
CALL arflow_append_only('journal_lines');
CREATE TRIGGER with_entry AFTER INSERT ON journal_lines REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION journal_lines_with_entry();
