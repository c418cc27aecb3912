"""Where the providers are found, inside the cluster."""

# Proxies: to all providers, and to the model that knows what a node's own service has issued.
PROVIDERS, BY_AGENT, BY_METADATA_SERVER = 3128, 3129, 3130
# A constant of OCI's SDK.
PROXYMUX = 12250
# Of the node itself, as on EKS and GKE.
AGENT, METADATA_SERVER = "169.254.170.23", "169.254.169.254"
PORTS = [PROVIDERS, BY_AGENT, BY_METADATA_SERVER, PROXYMUX]
