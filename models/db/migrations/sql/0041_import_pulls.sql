-- Records that are pulled from a connection: how far, and when to ask again (see operations/imports/pulling.py). Null where
-- a file was uploaded. What has been fetched stands in import_files, as an upload does.
ALTER TABLE customer_imports ADD COLUMN pull jsonb;
