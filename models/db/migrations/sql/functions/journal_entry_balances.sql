-- At commit, an entry has two lines or more, and they balance in the functional currency.
CREATE OR REPLACE FUNCTION journal_entry_balances() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_lines bigint; v_diff numeric;
BEGIN
  SELECT count(*), coalesce(sum(functional_debit_minor::numeric - functional_credit_minor), 0) INTO v_lines, v_diff
    FROM journal_lines WHERE org_id = NEW.org_id AND entry_id = NEW.id;
  IF v_lines < 2 OR v_diff <> 0 THEN
    RAISE EXCEPTION 'journal entry % does not balance (% lines, difference %)', NEW.id, v_lines, v_diff USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
