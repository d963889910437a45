#!/bin/sh
# Run once by the postgres image on an empty volume: the role that the application signs in as. It owns
# nothing; `quarterdeck migrate` grants it what it needs.
set -e
psql -v ON_ERROR_STOP=1 -v password="$APPLICATION_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE quarterdeck LOGIN PASSWORD :'password';
SQL
