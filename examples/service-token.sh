#!/usr/bin/env bash
# Prints an access token of a service account, for ten minutes: it proves itself with its key (private_key_jwt,
# RFC 7523). Needs curl and openssl.
#   examples/service-token.sh http://127.0.0.1:7400 nightly-sync nightly-sync.pem
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
sed -E 's/.*"access_token":"([^"]+)".*/\1/' <<<"$answer"
