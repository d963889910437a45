#!/usr/bin/env python3
"""Signs a command-line tool in (RFC 8628) and asks who it is and for three accounts. Standard library only.

    python3 examples/device_login.py http://127.0.0.1:7400

The refresh token is kept in a file that only you can read, so that the next run asks nobody. It is new after
each use: whoever uses an old one again, for instance from a copy, ends the sign-in for both.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BASE = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:7400"
CLIENT = "quarterdeck-cli"
SCOPE = "openid accounts:read"
KEPT = os.path.expanduser(os.environ.get("QUARTERDECK_TOKEN_FILE", "~/.quarterdeck-cli.json"))


def ask(url, form=None, token=None):
    """(status, JSON) of a request; a form makes it a POST."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def refreshed(endpoints):
    """Tokens for the refresh token that was kept; None where there is none or it has ended."""
    try:
        with open(KEPT, encoding="utf-8") as file:
            kept = json.load(file)
    except FileNotFoundError:
        return None
    form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": kept["refresh_token"]}
    status, tokens = ask(endpoints["token_endpoint"], form)
    return tokens if status == 200 else None


def signed_in(endpoints):
    """Tokens after the person has confirmed the code in a browser."""
    status, asked = ask(endpoints["device_authorization_endpoint"], {"client_id": CLIENT, "scope": SCOPE})
    if status != 200:
        sys.exit(f"Refused: {asked}")
    print(f"Open {asked['verification_uri']} and type {asked['user_code']}", flush=True)
    interval = asked.get("interval", 5)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": CLIENT,
        "device_code": asked["device_code"],
    }
    while True:
        time.sleep(interval)
        status, tokens = ask(endpoints["token_endpoint"], form)
        if status == 200:
            return tokens
        if tokens["error"] == "slow_down":
            interval += 5
        elif tokens["error"] != "authorization_pending":
            sys.exit(f"Not signed in: {tokens['error']}")


def keep(tokens):
    """For the next run, readable by this user alone."""
    with open(os.open(KEPT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"refresh_token": tokens["refresh_token"]}, file)


def main():
    _, endpoints = ask(BASE + "/auth/oidc/.well-known/openid-configuration")
    tokens = refreshed(endpoints) or signed_in(endpoints)
    keep(tokens)
    _, me = ask(BASE + "/internal/v1/me", token=tokens["access_token"])
    print(f"{me['principal'].get('email')} through {me['tool']}, may: {', '.join(me['permissions'])}")
    status, accounts = ask(BASE + "/internal/v1/accounts?limit=3", token=tokens["access_token"])
    if status != 200:
        sys.exit(f"{status} {accounts['code']}: {accounts['detail']}")
    for account in accounts["data"]:
        print(account["accountId"], account["status"], account["monthlyCharges"])


main()
