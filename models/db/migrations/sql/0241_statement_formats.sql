-- A bank's own CSV, described once for a bank account. A description stays as it is: statements were read by it.
CREATE TABLE statement_formats (
  org_id          text NOT NULL,
  bank_account_id text NOT NULL,
  name            text COLLATE "C" NOT NULL,
  delimiter       text,
  encoding        text,
  skip_rows       int CHECK (skip_rows >= 0),
  date_format     text NOT NULL,
  decimal         text NOT NULL CHECK (decimal IN (',', '.')),
  columns         jsonb NOT NULL,
  created_at      timestamptz NOT NULL,
  created_by      text NOT NULL,
  PRIMARY KEY (org_id, bank_account_id, name),
  FOREIGN KEY (org_id, bank_account_id) REFERENCES bank_accounts
);
CALL arflow_guard('statement_formats', 'SELECT, INSERT');
