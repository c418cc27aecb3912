"""Whether `lanyard verify` finds of each trust what the provider's own SDK finds in a pod, and says why.

For each mechanism there is one provider of its own, of which one thing after another is changed. Of each world all are
asked: the SDK for a new credential, in the container of an admitted pod, and lanyard, from outside and as the init container
of a pod. They agree if all get one or none does; and lanyard's reason must be the expected one, both times. Vault is a real OpenBao, and its SDK the agent.
"""

import contextlib
import copy
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from checks import APPLICATIONS, OTHER_AUDIENCE
from control_plane import NAMESPACE
from endpoints.alibaba import Alibaba
from endpoints.anthropic import Anthropic
from endpoints.aws import AWS
from endpoints.azure import Entra
from endpoints.endpoint import Verifier
from endpoints.google import Google
from endpoints.ibm import IBM
from endpoints.openai import OpenAI
from node import NOBODY
from processes import Failure, conversation
from providers import hosts, providers
from proxy import Authority, Handler, Listener, Proxy
from sdks import EMAIL, TENANT
from vault import PREFIX
from verify_command import VerifyCommand, show


@dataclass(frozen=True)
class World:
    """What is not as it should be."""

    name: str
    # Of the provider: how its verifier differs, and whether it trusts the subject and knows the identity.
    verifier: dict = field(default_factory=dict)
    trusts: bool = True
    knows: bool = True
    is_disabled: bool = False
    # How the way there ends: at the provider, or "denied", "closed", or at one "untrusted".
    way: str = "open"


DAY = 86400
WORLDS = [
    World("nothing"),
    World("another subject", trusts=False),
    World("another audience", {"audience": OTHER_AUDIENCE}),
    World("another issuer", {"issuer": "https://another.example"}),
    World("an unknown key", {"keys": {"keys": []}}),
    # SDKs of AWS present a token that lives for a day.
    World("an expired token", {"clock": 2 * DAY}),
    World("a clock behind", {"clock": -2 * DAY}),
    World("another role", knows=False),
    World("a disabled region", is_disabled=True),
    World("a proxy that denies", way="denied"),
    World("no answer", way="closed"),
    World("another authority", way="untrusted"),
]
NETWORK = {"a proxy that denies": "ProxyDenied", "no answer": "Unreachable", "another authority": "TLSFailed"}


@dataclass(frozen=True)
class Trust:
    """One mechanism: a workload that has it, the provider's class, and lanyard's reasons by the worlds' names.

    A world without a reason is not shown: what the provider answers then is not documented.
    """

    title: str
    platform: str
    workload: str
    sdk: str
    provider: type
    reasons: dict
    # For a world in which the identity is not known: what the provider trusts then, of what it trusts else.
    others: object = lambda trust: {}
    # What the SDK does beside, in a test: it tries once.
    env: dict = field(default_factory=dict)


def same(reason):
    return dict.fromkeys(
        ["another subject", "another audience", "another issuer", "an unknown key", "an expired token", "another role"],
        reason)


AWS_REASONS = {
    "another subject": "TrustPolicyMismatch", "another audience": "AudienceNotTrusted",
    "another issuer": "IssuerNotTrusted", "an unknown key": "IssuerUnreachable", "an expired token": "ClockSkew",
    "another role": "TrustPolicyMismatch", "a disabled region": "RegionDisabled",
}
GOOGLE_REASONS = {
    "another subject": "SubjectNotTrusted", "another audience": "AudienceNotTrusted",
    "another issuer": "IssuerNotTrusted", "an unknown key": "SignatureInvalid", "an expired token": "ClockSkew",
    "another role": "InvalidConfiguration",
}
ONCE = {"AWS_MAX_ATTEMPTS": "1"}
TRUSTS = [
    Trust("AWS", "eks", "irsa", "boto3", AWS, AWS_REASONS, env=ONCE),
    Trust(
        "AWS, second role", "eks", "second-role", "boto3", AWS, {**AWS_REASONS, "another role": "SecondRoleDenied"},
        others=None, env=ONCE),
    Trust("Entra", "aks", "azure-on-aks", "azure-identity", Entra, {
        "another subject": "SubjectNotTrusted", "another audience": "AudienceNotTrusted",
        "another issuer": "IssuerNotTrusted", "an unknown key": "SignatureInvalid", "an expired token": "ClockSkew",
        "a clock behind": "ClockSkew", "another role": "ClientIdNotFound",
    }, others=lambda trust: {(TENANT, "another"): set()}, env={"AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential"}),
    Trust("Google", "eks", "vertex-from-eks", "google-auth", Google, GOOGLE_REASONS),
    Trust(
        "Google, impersonation", "eks", "vertex-impersonating", "google-auth", Google,
        {**GOOGLE_REASONS, "another role": "ImpersonationDenied"},
        others=lambda trust: {name: trusted for name, trusted in trust.items() if name != EMAIL}),
    Trust("OpenAI", "eks", "openai", "openai", OpenAI, {
        **same("TokenRejected"), "another subject": "MappingNotFound", "another role": "MappingNotFound",
    }),
    Trust("Anthropic", "eks", "anthropic", "anthropic", Anthropic, same("TrustRejectedOpaque")),
    Trust("IBM", "iks", "watsonx", "ibm-cloud-sdk-core", IBM, {
        **same("TokenRejected"), "another subject": "SubjectNotTrusted", "another role": "SubjectNotTrusted",
    }),
    Trust("Alibaba", "ack", "rrsa", "alibabacloud-credentials", Alibaba, {
        "another subject": "TrustPolicyMismatch", "another audience": "AudienceNotTrusted",
        "another issuer": "IssuerNotTrusted", "an unknown key": "TokenRejected", "an expired token": "ClockSkew",
        "another role": "RoleNotFound",
    }),
]


class Shut:
    """The way to a host that takes the connection, and ends it."""

    def answer(self, _):
        raise ConnectionAbortedError


class Verification:
    """`lanyard verify` beside the SDKs, on pods that were admitted before."""

    def __init__(self, surroundings, lanyard, platforms, pods):
        self._surroundings = surroundings
        self._command = VerifyCommand(surroundings.plane, lanyard, surroundings.folder)
        self._platforms = {platform.name: platform for platform in platforms}
        # By the platform's name and the workload's.
        self._pods = pods
        self._trusted = {
            f"system:serviceaccount:{NAMESPACE}:{trust.workload}" for trust in TRUSTS
        }
        folder = surroundings.folder / "untrusted"
        folder.mkdir()
        self._untrusted = Authority(hosts(surroundings.endpoints), "127.0.0.1", folder)
        self._secrets = set()

    def show(self):
        """Prints a table of what lanyard said, and returns whether each cell is as it should be."""
        with ThreadPoolExecutor(3) as pool:
            started = [pool.submit(self._cells, trust) for trust in TRUSTS] + [pool.submit(self._vault_cells)]
            results = []
            for title, cells in zip([*(trust.title for trust in TRUSTS), "Vault"], started):
                print(f"lanyard verify, {title}:")
                for world, expected, (has_credential, said, reasons) in cells.result():
                    is_right = reasons == {expected} and has_credential == (expected == "Verified")
                    results.append(is_right)
                    found = f"lanyard {'/'.join(sorted(reasons))}, SDK {said}"
                    print(f"  {'ok' if is_right else 'FAILED'} {world}: {found}" + (
                        "" if is_right else f"; expected {expected}"), flush=True)
        print(f"{results.count(True)} of {len(results)} trusts found alike, with the right reason")
        endpoints = self._surroundings.endpoints
        for title, expected, found in show(self._command, self._surroundings, endpoints, self._platforms["eks"].settings):
            results.append(found == expected)
            print(f"{'ok' if found == expected else 'FAILED'} lanyard verify, {title}: {found}" + (
                "" if found == expected else f"; expected {expected}"), flush=True)
        for endpoint in endpoints:
            self._secrets |= endpoint.credentials | endpoint.verifier.presented
        results.append(self._keeps_secrets())
        return results

    def _keeps_secrets(self):
        """Whether no token that was presented and no credential that was given stands in what anybody printed."""
        logs = [file.read_text() for file in self._surroundings.folder.glob("lanyard-*.log")]
        parts = {part for secret in self._secrets for part in (secret, secret.rpartition(".")[2]) if len(part) > 15}
        outputs = self._command.outputs
        found = sum(part in text for text in outputs + logs for part in parts)
        is_right = found == 0 and len(parts) > 100 and len(logs) == len(self._platforms)
        print(
            f"{'ok' if is_right else 'FAILED'} {len(parts)} tokens, signatures and credentials are in none of "
            f"{len(outputs)} reports and {len(logs)} logs of the operator at its most talkative: found {found}")
        return is_right

    # The providers

    def _cells(self, trust):
        """The worlds with the expected reason and what came of each."""
        pod = self._pods[trust.platform, trust.workload]
        container = self._surroundings.lay_out(pod)
        authority = self._surroundings.authority
        cells = []
        with contextlib.ExitStack() as stack:
            proxy = stack.enter_context(Proxy([], authority.context))
            env = {**container.env, **trust.env, **authority.env, "HTTPS_PROXY": proxy.url}
            command = [sys.executable, "-B", APPLICATIONS / "exchange.py", trust.sdk]
            ask = stack.enter_context(conversation(**container.process(command, env)))
            for world in WORLDS:
                expected = "Verified" if world.name == "nothing" else {**NETWORK, **trust.reasons}.get(world.name)
                if expected is None:
                    continue
                provider = self._provider(trust, world)
                self._open(proxy, world.way, provider)
                said = ask(world.name)
                reasons = self._verify(trust, pod, {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(authority.file)})
                self._secrets |= provider.credentials | provider.verifier.presented
                cells.append((world.name, expected, (said == "a credential", said, reasons)))
        return cells

    def _provider(self, trust, world):
        plane = self._surroundings.plane
        verifier = Verifier(**{"issuer": plane.issuer, "keys": plane.keys, **world.verifier})
        trusted = self._trusted if world.trusts else {f"system:serviceaccount:{NAMESPACE}:another"}
        provider = next(
            each for each in providers(verifier, trusted, "a stored key") if type(each) is trust.provider)
        # An SDK that keeps a connection would go on in the world that it was made in.
        provider.headers = {"Connection": "close"}
        provider.is_disabled = world.is_disabled
        if not world.knows and trust.others is None:
            provider.roles = {}
        elif not world.knows:
            provider.trust = trust.others(provider.trust)
        return provider

    def _open(self, proxy, way, provider):
        reached = {"denied": None, "closed": Shut()}.get(way, provider)
        proxy.endpoints = {} if reached is None else dict.fromkeys(provider.hosts, reached)
        untrusted = way == "untrusted"
        proxy.context = (self._untrusted if untrusted else self._surroundings.authority).context

    # Vault

    def _vault_cells(self):
        surroundings = self._surroundings
        vault, plane = surroundings.vault, surroundings.plane
        path, role = "auth/gke", f"auth/gke/role/{vault.role}"
        bound = {
            "bound_service_account_names": ["vault-with-audience"], "bound_service_account_namespaces": [NAMESPACE],
            "audience": "vault",
        }
        pod = self._pods["gke", "vault-with-audience"]
        trust = Trust("Vault", "gke", "vault-with-audience", "the agent", object, {})

        def handle(connection, _, server):
            with contextlib.suppress(OSError), self._untrusted.context.wrap_socket(connection, server_side=True) as tls:
                Handler(tls, server, Shut())

        cells = []
        with Listener(handle) as listener:
            worlds = [
                ("nothing", "Verified", bound, vault.address),
                ("another subject", "SubjectNotTrusted", {**bound, "bound_service_account_names": ["a"]}, vault.address),
                (
                    "another namespace", "NamespaceNotTrusted", {**bound, "bound_service_account_namespaces": ["a"]},
                    vault.address),
                ("another audience", "AudienceNotTrusted", {**bound, "audience": "another"}, vault.address),
                ("another role", "RoleNotFound", None, vault.address),
                ("no answer", "Unreachable", bound, f"http://{NOBODY}"),
                ("another authority", "TLSFailed", bound, f"https://127.0.0.1:{listener.server_port}"),
            ]
            for name, expected, settings, address in worlds:
                vault.set(role, settings)
                cells.append((name, expected, self._of_vault(trust, pod, address)))
            vault.set(role, bound)
            vault.set(f"{path}/config", {
                **vault.configuration(plane), "token_reviewer_jwt": plane.token(NAMESPACE, "default"),
            })
            cells.append(("a reviewer without rights", "TokenRejected", self._of_vault(trust, pod, vault.address)))
            vault.set(f"sys/{path}", None)
            cells.append(("another mount", "TokenRejected", self._of_vault(trust, pod, vault.address)))
            vault.trust(plane, path, bound["bound_service_account_names"], bound["audience"])
        return cells

    def _of_vault(self, trust, pod, address):
        pod = copy.deepcopy(pod)
        pod["metadata"]["annotations"][f"{PREFIX}service"] = address
        try:
            self._surroundings.lay_out(pod)
            said = "a credential"
        except Failure as failure:
            said = "none"
            if "the agent ends with" not in str(failure):
                raise
        vault = self._surroundings.vault
        before = vault.tokens()
        reasons = self._verify(trust, pod, {}, {"address": address})
        if vault.tokens() - before:
            raise Failure("lanyard verify left a token in Vault")
        return said == "a credential", said, reasons

    # lanyard

    def _verify(self, trust, pod, env, vault=None):
        """What lanyard says from outside, and where the pod's own init container says otherwise, that too."""
        platform = self._platforms[trust.platform]
        settings = {"platform": platform.name, **platform.settings}
        if vault:
            settings["vault"] = {**settings["vault"], **vault}
        found = self._command.reasons([f"{NAMESPACE}/{trust.workload}"], settings, env)
        in_pod = self._command.reasons_in_pod(trust.workload, pod, settings, env)
        return found if in_pod == found else found | {f"{each} in the pod" for each in in_pod}
