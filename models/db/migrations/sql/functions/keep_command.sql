-- Keeps a command once per key, in one round trip: one statement outside any transaction block is a transaction of its own.
-- Where the key was used before it tells what became of the first command, whose it was, and which legal entities they see.
CREATE OR REPLACE FUNCTION keep_command(p_org text, p_row json)
  RETURNS TABLE (made boolean, id text, workflow_id text, resource_id text, body_hash text, state text, http_status int, response json,
                 actor text, entities text[])
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE r commands := json_populate_record(NULL::commands, p_row);
BEGIN
  PERFORM set_config('arflow.org_id', p_org, true), set_config('synchronous_commit', 'off', true);
  INSERT INTO commands (org_id, id, operation, path, idem_key, key_given, body_hash, body, resource_id, subject_id, customer_id,
                        actor, roles, entities, request_id, workflow_id)
    VALUES (p_org, r.id, r.operation, r.path, r.idem_key, r.key_given, r.body_hash, r.body, r.resource_id, r.subject_id,
            r.customer_id, r.actor, r.roles, r.entities, r.request_id, r.workflow_id)
    ON CONFLICT (org_id, path, idem_key) WHERE state <> 'refused' DO NOTHING;
  IF FOUND THEN
    RETURN QUERY SELECT true, r.id, r.workflow_id, r.resource_id, r.body_hash, 'pending'::text, NULL::int, NULL::json, r.actor, r.entities;
  ELSE
    RETURN QUERY SELECT false, c.id, c.workflow_id, c.resource_id, c.body_hash, c.state, c.http_status, c.response, c.actor, c.entities
      FROM commands c WHERE c.org_id = p_org AND c.path = r.path AND c.idem_key = r.idem_key AND c.state <> 'refused';
  END IF;
END $$;
