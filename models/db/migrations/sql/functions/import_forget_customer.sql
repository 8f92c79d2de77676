-- A customer that is erased leaves no trace of its data in the files it came from.
CREATE OR REPLACE FUNCTION import_forget_customer() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE import_line_data l SET raw = NULL FROM import_outcomes o
   WHERE o.org_id = OLD.org_id AND o.record_id = OLD.id AND l.import_id = o.import_id AND l.row_no = o.row_no;
  DELETE FROM import_row_data r USING import_outcomes o
   WHERE o.org_id = OLD.org_id AND o.record_id = OLD.id AND r.import_id = o.import_id AND r.row_no = o.row_no;
  RETURN NULL;
END $$;
