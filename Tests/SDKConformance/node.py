"""What a platform runs near its pods, and what SDKs ask without a proxy.

That is GKE's metadata server, EKS' agent, and OKE's proxymux. Here they have an address of this run's own: the
proxymux' port is a constant of the SDK, and there may be another run beside this one.
"""

import secrets
from dataclasses import dataclass, field

from endpoints.endpoint import Endpoint
from proxy import Handler, Listener

ADDRESS = ".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))])
METADATA_SERVER, AGENT, PROXYMUX = ((ADDRESS, port) for port in [8080, 8081, 12250])
NOBODY = f"{ADDRESS}:1"


@dataclass
class NodeService:
    """One of them: an endpoint that is served at an address."""

    endpoint: Endpoint
    address: tuple
    # What leads the SDK here.
    env: dict = field(default_factory=dict)
    # With which it speaks TLS.
    context: object = None

    def serving(self):
        def handle(connection, _, server):
            Handler(connection, server, self.endpoint)

        listener = Listener(handle, self.address)
        if self.context is not None:
            listener.socket = self.context.wrap_socket(
                listener.socket, server_side=True, do_handshake_on_connect=False)
        return listener
