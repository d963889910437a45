#!/usr/bin/env python3
"""Live updates in Python's standard library alone, by socket.io's long polling.

    QUARTERDECK_TOKEN=... python3 examples/live.py http://127.0.0.1:7400 accounts/demo-0001

Packets are text, divided by U+001E: `0` opens, `2` asks for a sign of life, which is `3`; `40` enters with the token,
`42` is an event, `43` an answer to one. With a library (python-socketio) it is the lines of live.mjs.
"""
import json
import os
import sys
import urllib.error
import urllib.request

BASE = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:7400"
TOPIC = sys.argv[2] if len(sys.argv) > 2 else "system"
URL = BASE + "/internal/live/?EIO=4&transport=polling"
TOKEN = os.environ["QUARTERDECK_TOKEN"]


def ask(url, packet=None):
    """The packets of an answer; with a packet of one's own it is sent."""
    data = packet.encode() if packet is not None else None
    headers = {"Content-Type": "text/plain;charset=UTF-8"} if data is not None else {}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return answer.read().decode().split("\x1e")


def packets(url):
    """Each packet that is no sign of life, for as long as the connection lasts."""
    while True:
        for packet in ask(url):
            if packet == "2":
                ask(url, "3")
            else:
                yield packet


def main():
    opened = json.loads(ask(URL)[0][1:])
    url = f"{URL}&sid={opened['sid']}"
    ask(url, "40" + json.dumps({"token": TOKEN}))
    for packet in packets(url):
        kind, body = packet[:2], packet[2:]
        if kind == "40":
            ask(url, "420" + json.dumps(["subscribe", {"topic": TOPIC}]))
        elif kind == "44":
            sys.exit(json.loads(body)["data"]["code"])
        elif kind == "43":
            answer = json.loads(body[1:])[0]
            if not answer["ok"]:
                sys.exit(f"{answer['code']}: {answer['detail']}")
            print("snapshot", answer["seq"], json.dumps(answer["snapshot"]), flush=True)
        elif kind == "42":
            event, message = json.loads(body)
            if event == "update":
                print("update", message["seq"], json.dumps(message["data"]), flush=True)
        elif packet == "1" or kind == "41":
            sys.exit("The connection was ended: the token is over, or no longer allowed.")


try:
    main()
except urllib.error.HTTPError as error:
    sys.exit(f"{error.code}: {error.read().decode()}")
