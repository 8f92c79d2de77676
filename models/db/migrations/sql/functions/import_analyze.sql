-- Fresh rows have no statistics yet, and only their owner may take them. Only the columns that rows are compared by.
CREATE OR REPLACE FUNCTION import_analyze() RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  ANALYZE import_row_data (import_id, row_no, email_key, tax_id_key, external_id);
END $$;
GRANT EXECUTE ON FUNCTION import_analyze() TO arflow_app;
