-- An audit event may lose its payload and salt, both together; nothing else of it changes.
CREATE OR REPLACE FUNCTION audit_events_erase_only() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.payload IS NULL AND NEW.salt IS NULL
     AND (to_jsonb(NEW) - 'payload' - 'salt') = (to_jsonb(OLD) - 'payload' - 'salt') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit trail is never changed or deleted' USING ERRCODE = 'integrity_constraint_violation';
END $$;
