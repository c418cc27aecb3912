"""All providers, and whom each trusts: the subjects of a cluster, by the identities that sdks.py names."""

from endpoints.alibaba import Alibaba
from endpoints.anthropic import Anthropic
from endpoints.aws import AWS, EKSPodIdentityAgent
from endpoints.azure import Entra
from endpoints.google import GKEMetadata, Google
from endpoints.ibm import IBM
from endpoints.openai import OpenAI
from endpoints.oracle import Oracle
from sdks import (
    ACCOUNT, CLIENT, COMPARTMENT, EMAIL, EXTERNAL_ID, OPENAI_ACCOUNT, OPENAI_PROVIDER, ORGANIZATION, PROFILE,
    PROFILE_NAME, PROVIDER, RAM_PROVIDER, RAM_ROLE, ROLE, RULE, SECOND_ROLE, TENANT, WORKSPACE)


def providers(verifier, trusted, stored_key):
    """Those that are reached over the internet."""
    aws = AWS(verifier, {ROLE: trusted})
    aws.roles = {SECOND_ROLE: (ROLE, EXTERNAL_ID)}
    return [
        aws,
        Entra(verifier, {(TENANT, CLIENT): trusted}),
        Google(verifier, {PROVIDER: trusted, EMAIL: trusted}),
        Anthropic(verifier, {(RULE, ORGANIZATION, ACCOUNT, WORKSPACE): trusted}, keys=[stored_key]),
        OpenAI(verifier, {(OPENAI_PROVIDER, OPENAI_ACCOUNT): trusted}, keys=[stored_key]),
        IBM(verifier, {("profile_id", PROFILE): trusted, ("profile_name", PROFILE_NAME): trusted}),
        Alibaba(verifier, {(RAM_ROLE, RAM_PROVIDER): trusted}, keys=[stored_key]),
    ]


def oracle(verifier, trusted):
    """OKE's proxymux, which runs in the cluster, and the model that takes its tokens."""
    return Oracle(verifier, {COMPARTMENT: trusted})


def pod_identity_agent(verifier, trusted):
    return EKSPodIdentityAgent(verifier, {ROLE: trusted})


def metadata_server(verifier):
    return GKEMetadata(verifier, {})


def hosts(endpoints):
    """All names by which the endpoints are called, in order."""
    return sorted({host for endpoint in endpoints for host in endpoint.hosts})
