#!/usr/bin/env bash
# A service account with curl and openssl: gets a token and asks who it is and for three accounts.
#   examples/service.sh http://127.0.0.1:7400 nightly-sync nightly-sync.pem
set -euo pipefail
base=${1:?address} tool=${2:?name of the tool} key=${3:?file of its private key}
token=$("$(dirname "$0")/service-token.sh" "$base" "$tool" "$key")

# The token goes through standard input, so that it does not stand in the list of processes.
get() { curl -fsS -H @- "$base$1" <<<"Authorization: Bearer $token"; echo; }
get /internal/v1/me
get '/internal/v1/accounts?limit=3&fields=accountId,status'
