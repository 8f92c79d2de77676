#!/bin/sh
# Brings Temporal's two databases to the schema of this server version, and makes the namespace. Safe to repeat.
set -eu
for database in temporal temporal_visibility; do
  directory=${database#temporal_}
  tool="temporal-sql-tool --plugin postgres12 --endpoint postgres --port 5432 --user temporal --database $database"
  $tool setup-schema --version 0.0
  $tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$directory/versioned"
done
