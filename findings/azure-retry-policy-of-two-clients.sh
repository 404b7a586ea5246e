#!/usr/bin/env bash
# azure-storage-blob 12.31.1: a retry policy given to two clients sends what the first asks as the second.
#
# A retry policy looks like a value: how often, how long. It is a link of the client's chain, and building a client
# sets its next link. So one object shared by the clients of two accounts leaves the first client with the chain
# of the second, and its requests go to its own account signed by the other's name and key: the service answers
# AuthorizationFailure, where the same code with one account, or with clients made in another order, works.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet azure-storage-blob==12.31.1 azure-core==1.41.0
"$work/venv/bin/python" - <<'PY'
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

from azure.storage.blob import ContainerClient, ExponentialRetry


class Account(BaseHTTPRequestHandler):
    """Answers that there is no such container, and notes who signed."""

    signed_by: list[str] = []

    def do_GET(self):
        Account.signed_by.append(self.headers["Authorization"].split(" ")[1].split(":")[0])
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Account)
threading.Thread(target=server.serve_forever, daemon=True).start()


def ask_the_first(policies):
    """Make clients of a container in the accounts `first` and `second`; who signs what the first one asks?"""
    first, _ = (
        ContainerClient(
            f"http://127.0.0.1:{server.server_port}/{name}",
            "photos",
            credential={"account_name": name, "account_key": b64encode(name.encode()).decode()},
            retry_policy=policy,
        )
        for name, policy in zip(("first", "second"), policies)
    )
    first.exists()
    return Account.signed_by[-1]


print("azure-storage-blob", version("azure-storage-blob"), "| azure-core", version("azure-core"))
apart = ask_the_first([ExponentialRetry(), ExponentialRetry()])
shared = ask_the_first([ExponentialRetry()] * 2)
print("a policy each:  the first account's request is signed by", apart)
print("one policy:     the first account's request is signed by", shared)
assert apart == "first"
assert shared == "second", "a shared policy does no harm now"
print("as described: make a policy for each client")
PY
