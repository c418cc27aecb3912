"""Runs in a pod, on the node's network: all providers of Tests/SDKConformance, after one address.

They verify tokens by what the API server of this cluster publishes. Each port is a proxy after which there are the
endpoints of one way to get credentials; the metadata server and the agent have the addresses that they have on nodes
of GKE and EKS.
"""

import contextlib
import json
import os
import ssl
import threading
import urllib.request

from endpoints.endpoint import Verifier
from node import NodeService
from provider_ports import AGENT, BY_AGENT, BY_METADATA_SERVER, METADATA_SERVER, PROXYMUX, PROVIDERS
from providers import metadata_server, oracle, pod_identity_agent, providers
from proxy import Proxy, server_context

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def published(path):
    """What the API server says to this pod's ServiceAccount."""
    address = "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format_map(os.environ)
    with open(f"{ACCOUNT}/token", encoding="utf-8") as token:
        request = urllib.request.Request(f"{address}{path}", headers={"Authorization": f"Bearer {token.read()}"})
    trust = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
    with urllib.request.urlopen(request, context=trust, timeout=30) as answer:
        return json.load(answer)


def main():
    verifier = Verifier(published("/.well-known/openid-configuration")["issuer"], published("/openid/v1/jwks"))
    trusted = set(json.loads(os.environ["TRUSTED"]))
    context = server_context("/etc/providers/chain.pem")
    proxymux, agent = oracle(verifier, trusted), pod_identity_agent(verifier, trusted)
    server = metadata_server(verifier)
    listeners = [
        Proxy([*providers(verifier, trusted, os.environ["STORED_KEY"]), proxymux], context, ("0.0.0.0", PROVIDERS)),
        Proxy([agent], context, ("0.0.0.0", BY_AGENT)),
        Proxy([server], context, ("0.0.0.0", BY_METADATA_SERVER)),
        NodeService(proxymux, ("0.0.0.0", PROXYMUX), context=context).serving(),
        NodeService(agent, (AGENT, 80)).serving(),
        NodeService(server, (METADATA_SERVER, 80)).serving(),
    ]
    with contextlib.ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(listener)
        print("serving", flush=True)
        threading.Event().wait()


main()
