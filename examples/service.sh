#!/usr/bin/env bash
# A service account with curl and openssl: proves itself with its key (private_key_jwt, RFC 7523), gets a token
# and asks who it is and for three accounts.
#   examples/service.sh http://127.0.0.1:7400 nightly-sync nightly-sync.pem
set -euo pipefail
base=${1:?address} tool=${2:?name of the tool} key=${3:?file of its private key}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
now=$(date +%s)
head=$(printf '{"alg":"RS256"}' | base64url)
# Good for a minute and for one use.
claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s/auth/oidc","jti":"%s","iat":%d,"exp":%d}' \
  "$tool" "$tool" "$base" "$(openssl rand -hex 16)" "$now" $((now + 60)) | base64url)
signature=$(printf '%s.%s' "$head" "$claims" | openssl dgst -sha256 -sign "$key" -binary | base64url)

answer=$(curl -fsS "$base/auth/oidc/token" \
  -d grant_type=client_credentials \
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
  -d "client_assertion=$head.$claims.$signature")
token=$(sed -E 's/.*"access_token":"([^"]+)".*/\1/' <<<"$answer")

# The token goes through standard input, so that it does not stand in the list of processes.
get() { curl -fsS -H @- "$base$1" <<<"Authorization: Bearer $token"; echo; }
get /internal/v1/me
get '/internal/v1/accounts?limit=3&fields=accountId,status'
