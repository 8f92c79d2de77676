-- An entry is committed with its lines, so lines that come when others are there already come too late.
CREATE OR REPLACE FUNCTION journal_lines_with_entry() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT org_id, entry_id, count(*) AS lines FROM fresh GROUP BY org_id, entry_id) f
              WHERE f.lines <> (SELECT count(*) FROM journal_lines l WHERE l.org_id = f.org_id AND l.entry_id = f.entry_id)) THEN
    RAISE EXCEPTION 'the lines of an entry are added all at once, with it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
