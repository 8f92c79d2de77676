-- The least that makes the same customers with the same records beside them. Nothing is checked.
DROP TABLE IF EXISTS new_rows;
CREATE TEMPORARY TABLE new_rows (id text, name text, email text, external_id text, tax_id text, phone text, customer_type text,
                                 credit_limit numeric, payment_terms text, currency_code text);
-- COPY here
INSERT INTO customers (org_id, id, legal_entity_id, external_id, name, email, name_key, email_key, tax_id, tax_id_key, phone,
                       customer_type, credit_limit, payment_terms, currency_code, metadata)
SELECT :org, id, 'le_us', external_id, name, email, lower(name), lower(email), tax_id, lower(replace(tax_id, '-', '')), phone,
       customer_type, credit_limit, payment_terms, currency_code, '{}'
  FROM new_rows;
CREATE TEMPORARY TABLE said ON COMMIT DROP AS
SELECT id, salt, payload, digest, sha256(digest || convert_to(audit_header(:org, id, 1, now(), 'arflow', 'customer.created', NULL, 'req', 'wf'), 'UTF8')) AS hash
  FROM (SELECT id, salt, payload, sha256(salt || convert_to(payload, 'UTF8')) AS digest
          FROM (SELECT id, uuid_send(gen_random_uuid()) AS salt,
                       json_build_object('after', json_build_object('name', name, 'email', email, 'external_id', external_id,
                         'tax_id', tax_id, 'phone', phone, 'customer_type', customer_type, 'credit_limit', credit_limit::text,
                         'payment_terms', payment_terms, 'currency_code', currency_code))::text AS payload FROM new_rows) p) d;
INSERT INTO audit_events (org_id, subject_id, seq, at, actor, action, request_id, workflow_id, payload, salt, digest, prev_hash, hash)
SELECT :org, id, 1, now(), 'arflow', 'customer.created', 'req', 'wf', payload, salt, digest, '', hash FROM said;
INSERT INTO audit_heads (org_id, subject_id, seq, hash) SELECT :org, id, 1, hash FROM said;
INSERT INTO outbox_events (org_id, id, type, subject, data)
SELECT :org, 'evt_' || substr(id, 6), 'customer.created', id, jsonb_build_object('customer_id', id, 'version', 1) FROM new_rows;
