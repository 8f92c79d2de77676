-- Up to which position an organisation's events have been taken away: a reader that comes from before has missed some.
CREATE TABLE outbox_horizons (
  org_id   text PRIMARY KEY REFERENCES organisations,
  position bigint NOT NULL
);
CALL arflow_guard('outbox_horizons', 'SELECT');

-- What was kept with commands until now, and stands where it belongs: secrets of webhooks, whole files of banks.
UPDATE commands SET response = (response::jsonb || '{"secret": null}')::json
 WHERE operation IN ('webhook_endpoint.create', 'webhook_endpoint.rotate_secret') AND response::jsonb ? 'secret';
UPDATE commands SET body = jsonb_build_object('bank_account_id', body -> 'bank_account_id', 'file_hash', body -> 'file_hash')
 WHERE operation = 'receive_statement' AND state = 'done';
