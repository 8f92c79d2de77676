-- The floor of a bank statement: the same rows as the product writes, by a few hand-written set-based statements.
-- {statement} and {org} are filled in. Every line pays one invoice exactly.
CREATE TEMP TABLE m ON COMMIT DROP AS
SELECT l.line, l.amount_minor, l.currency_code, l.booking_date, l.external_id, l.payer, l.reference, l.remittance_text,
       i.id AS invoice_id, i.customer_id, i.balance_due_minor,
       'pay_' || replace(uuidv7()::text, '-', '') AS payment_id, 'sess_' || replace(uuidv7()::text, '-', '') AS session_id,
       'papp_' || replace(uuidv7()::text, '-', '') AS application_id, 'je_' || replace(uuidv7()::text, '-', '') AS entry_id
  FROM statement_lines l JOIN invoices i ON i.org_id = l.org_id AND i.reference_key = substring(l.remittance_text FROM 9)
 WHERE l.org_id = '{org}' AND l.statement_id = '{statement}' AND i.balance_due_minor = l.amount_minor;
ANALYZE m;

INSERT INTO payments (org_id, id, external_id, customer_id, legal_entity_id, bank_account_id, payment_date, amount_minor,
    currency_code, applied_minor, fx_rate, functional_currency, functional_amount_minor, functional_available_minor, posted,
    method, reference, remittance_text, payer, statement_id, statement_line, version)
  SELECT '{org}', payment_id, external_id, customer_id, 'le_us', 'bank_us', booking_date, amount_minor, currency_code,
    amount_minor, 1, 'USD', amount_minor, 0, true, 'bank_statement', reference, remittance_text, payer, '{statement}', line, 2
  FROM m;
INSERT INTO application_sessions (org_id, id, payment_id, seq, body_hash, body, command_id, journal_entry_id)
  SELECT '{org}', session_id, payment_id, 1, encode(sha256(convert_to(payment_id, 'UTF8')), 'hex'),
    jsonb_build_object('applications', jsonb_build_array(jsonb_build_object('invoice_id', invoice_id, 'applied_minor', amount_minor)),
      'statement_line', line), '{statement}/chunk', entry_id FROM m;
INSERT INTO payment_applications (org_id, id, session_id, payment_id, invoice_id, customer_id, applied_minor, currency_code,
    invoice_applied_minor, invoice_currency_code, fx_rate, functional_cash_minor, functional_relief_minor, effective_date, entry_date)
  SELECT '{org}', application_id, session_id, payment_id, invoice_id, customer_id, amount_minor, currency_code, amount_minor,
    currency_code, 1, amount_minor, amount_minor, booking_date, booking_date FROM m;
INSERT INTO journal_entries (org_id, id, entry_date, kind, source_id, legal_entity_id, functional_currency, digest)
  SELECT '{org}', entry_id, booking_date, 'application', payment_id, 'le_us', 'USD', encode(sha256(convert_to(entry_id, 'UTF8')), 'hex') FROM m;
INSERT INTO journal_lines (org_id, entry_id, line_no, account, debit_minor, credit_minor, currency_code, functional_debit_minor,
    functional_credit_minor, customer_id, invoice_id, bank_account_id)
  SELECT '{org}', entry_id, 1, 'cash', amount_minor, 0, currency_code, amount_minor, 0, NULL, NULL, 'bank_us' FROM m
  UNION ALL
  SELECT '{org}', entry_id, 2, 'accounts_receivable', 0, amount_minor, currency_code, 0, amount_minor, customer_id, invoice_id, NULL FROM m;
UPDATE invoices i SET balance_due_minor = 0, functional_balance_minor = 0, version = i.version + 1
  FROM m WHERE i.org_id = '{org}' AND i.id = m.invoice_id;
INSERT INTO outbox_events (org_id, id, type, subject, data)
  SELECT '{org}', 'evt_' || replace(uuidv7()::text, '-', ''), t, payment_id,
    jsonb_build_object('payment_id', payment_id, 'customer_id', customer_id, 'session_id', session_id, 'journal_entry_id', entry_id,
      'applications', jsonb_build_array(jsonb_build_object('id', application_id, 'invoice_id', invoice_id, 'applied_minor', amount_minor)))
  FROM m, unnest(ARRAY['ar.payment.received', 'ar.payment.applied']) t;

-- The trail: two events for each payment (a new chain), one for each invoice (the next of its chain).
CREATE TEMP TABLE e ON COMMIT DROP AS
SELECT payment_id AS subject_id, s AS seq, CASE s WHEN 1 THEN 'payment.received' ELSE 'payment.applied' END AS action, '\x'::bytea AS prev,
       jsonb_build_object('customer_id', customer_id, 'amount_minor', amount_minor, 'session_id', session_id, 'entries',
         jsonb_build_array(jsonb_build_object('id', entry_id)))::text AS payload, uuid_send(gen_random_uuid()) AS salt
  FROM m, generate_series(1, 2) s
UNION ALL
SELECT m.invoice_id, h.seq + 1, 'invoice.payment_applied', h.hash,
       jsonb_build_object('payment_id', payment_id, 'application_id', application_id, 'before', balance_due_minor, 'after', 0)::text,
       uuid_send(gen_random_uuid())
  FROM m JOIN audit_heads h ON h.org_id = '{org}' AND h.subject_id = m.invoice_id;
CREATE INDEX ON e (subject_id, seq);
ANALYZE e;
ALTER TABLE e ADD COLUMN digest bytea, ADD COLUMN hash bytea;
UPDATE e SET digest = sha256(salt || convert_to(payload, 'UTF8'));
UPDATE e SET hash = sha256(prev || digest || convert_to(audit_header('{org}', subject_id, seq, now(), 'u_clerk', action, NULL, 'req', 'wf'), 'UTF8'))
  WHERE seq = 1 OR action = 'invoice.payment_applied';
UPDATE e SET prev = f.hash, hash = sha256(f.hash || e.digest || convert_to(audit_header('{org}', e.subject_id, e.seq, now(), 'u_clerk',
    e.action, NULL, 'req', 'wf'), 'UTF8')) FROM e f WHERE e.seq = 2 AND e.action = 'payment.applied' AND f.subject_id = e.subject_id AND f.seq = 1;
INSERT INTO audit_events (org_id, subject_id, seq, at, actor, action, request_id, workflow_id, payload, salt, digest, prev_hash, hash)
  SELECT '{org}', subject_id, seq, now(), 'u_clerk', action, 'req', 'wf', payload, salt, digest, prev, hash
  FROM e ORDER BY subject_id, seq;
INSERT INTO audit_heads (org_id, subject_id, seq, hash) SELECT '{org}', subject_id, seq, hash FROM e WHERE seq = 2 AND action = 'payment.applied';
UPDATE audit_heads h SET seq = e.seq, hash = e.hash FROM e WHERE h.org_id = '{org}' AND h.subject_id = e.subject_id AND e.action = 'invoice.payment_applied';

UPDATE statement_lines l SET status = 'APPLIED', payment_id = m.payment_id FROM m
  WHERE l.org_id = '{org}' AND l.statement_id = '{statement}' AND l.line = m.line;
UPDATE statements SET status = 'COMPLETED', lines_done = lines_total, completed_at = now() WHERE org_id = '{org}' AND id = '{statement}';
