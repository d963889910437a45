#!/usr/bin/env bash
# Makes the key of a service account and prints its public half as the access policy wants it. Needs openssl.
#   examples/service-key.sh nightly-sync.pem
set -euo pipefail
file=${1:?the file to write the private key to}
umask 077
[ -e "$file" ] && { echo "$file is there already" >&2; exit 1; }

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$file" 2>/dev/null
n=$(openssl rsa -in "$file" -noout -modulus | cut -d= -f2 | tr -d '\n' | basenc --base16 -d | base64url)
kid=$(printf '{"e":"AQAB","kty":"RSA","n":"%s"}' "$n" | openssl dgst -sha256 -binary | base64url)
echo "- { kty: RSA, alg: RS256, use: sig, kid: $kid, n: $n, e: AQAB }"
