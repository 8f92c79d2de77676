#!/bin/sh
# Runs once, as superuser, when the cluster is new: three databases and the logins that use them. Nobody else is superuser.
#   arflow_owner  owns the schema and migrates it      arflow_app_login  what API and worker hold: becomes arflow_app, owns nothing
#   temporal      owns Temporal's two databases
set -eu
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password ARFLOW_OWNER_PASSWORD
\getenv app_password ARFLOW_APP_PASSWORD
\getenv temporal_password TEMPORAL_PASSWORD
CREATE ROLE arflow_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE arflow_loader NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE arflow_verifier NOLOGIN NOSUPERUSER BYPASSRLS; -- `arflow verify`: reads everything, changes nothing
CREATE ROLE arflow_owner LOGIN PASSWORD :'owner_password' NOSUPERUSER NOBYPASSRLS;
GRANT arflow_app, arflow_loader, arflow_verifier TO arflow_owner WITH ADMIN OPTION;
CREATE ROLE arflow_app_login LOGIN PASSWORD :'app_password' NOSUPERUSER NOBYPASSRLS;
GRANT arflow_app, arflow_loader TO arflow_app_login;
CREATE DATABASE arflow OWNER arflow_owner;
REVOKE ALL ON DATABASE arflow FROM PUBLIC;
GRANT CONNECT ON DATABASE arflow TO arflow_app_login;

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password' NOSUPERUSER;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE temporal, temporal_visibility FROM PUBLIC;
SQL
