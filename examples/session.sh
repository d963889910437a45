#!/usr/bin/env bash
# Prints the cookie of a new session, signed in at the development provider that `npm start` brings along.
# That one asks for no password and is never there in production: elsewhere take the cookie from the browser.
#   export URL=http://127.0.0.1:7400
#   export SESSION=$(examples/session.sh compliance@dev.test)
set -euo pipefail
base=${URL:-http://127.0.0.1:7400} user=${1:-admin@dev.test}
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT

# We send the browser to the provider with a signed request, which its form sends back together with a choice.
asked=$(curl -fsS -c "$jar" -o /dev/null -w '%{redirect_url}' "$base/auth/saml/login")
provider=${asked%%\?*}
page=$(curl -fsS "$provider" --data-urlencode "request=${asked#*\?}" --data-urlencode "user=$user") || {
  echo "$provider signs in nobody called $user; this is for the development provider alone." >&2
  exit 1
}
hidden() { sed -nE "s/.*name=\"$1\" value=\"([^\"]*)\".*/\1/p" <<<"$page"; }

curl -fsS -b "$jar" -c "$jar" -H "Origin: ${provider%/sign-in}" "$base/auth/saml/acs" \
  --data-urlencode "SAMLResponse=$(hidden SAMLResponse)" --data-urlencode "RelayState=$(hidden RelayState)"
# Netscape's cookie file: name and value are the sixth and the seventh column.
awk -F '\t' '$6 ~ /^(__Host-)?quarterdeck$/ { print $6 "=" $7 }' "$jar"
