"""What other operators do with the objects that Lanyard makes for stored keys.

The Secrets Store CSI driver and the External Secrets Operator want nodes, of which there are none here. In their place
this reads a SecretProviderClass and an ExternalSecret as they are documented to, and asks the real OpenBao. So it is
shown that the objects say enough to get the key, and that the pod has it where its application looks; not that the
operators take them.
"""

import json

from processes import Failure, eventually

DRIVER = "secrets-store.csi.k8s.io"
DEFINITIONS = {
    "SecretProviderClass": "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "ExternalSecret": "externalsecrets.external-secrets.io",
}


class Deliveries:
    """The two operators."""

    def __init__(self, plane, vault):
        self._plane = plane
        self._vault = vault

    def install(self):
        for kind, name in DEFINITIONS.items():
            plural, _, group = name.partition(".")
            schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
            self._plane.apply({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": name},
                "spec": {
                    "group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural},
                    "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
                },
            })
        # Vault's injector is known by this name. Its part is played here, after admission.
        self._plane.apply({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "vault-agent-injector-cfg"},
        })

    def files(self, pod, source, audience=None):
        """The names and texts of a volume, as Vault's CSI provider writes them. `audience` takes that of the class' place."""
        if source["driver"] != DRIVER:
            raise Failure(f"no driver {source['driver']} is known here")
        metadata = pod["metadata"]
        specification = self._object(
            "SecretProviderClass", metadata["namespace"], source["volumeAttributes"]["secretProviderClass"])
        if specification["provider"] != "vault":
            raise Failure(f"the provider is {specification['provider']}")
        parameters = specification["parameters"]
        # The provider has the driver request a token of the pod's ServiceAccount.
        token = self._plane.token(
            metadata["namespace"], pod["spec"]["serviceAccountName"], audience=audience or parameters["audience"],
            pod=pod)
        login = self._vault.login(
            parameters["vaultAddress"], f"auth/{parameters['vaultAuthMountPath']}", parameters["roleName"], token)
        for each in json.loads(parameters["objects"]):
            yield each["objectName"], self._vault.read(each["secretPath"], login)[each["secretKey"]]

    def secret(self, namespace, name):
        """The data of the Secret that the External Secrets Operator makes, by a store that may read everything."""
        specification = self._object("ExternalSecret", namespace, name)
        if specification["target"]["name"] != name or specification["secretStoreRef"]["name"] != "vault":
            raise Failure(f"it makes {specification['target']} of {specification['secretStoreRef']}")
        return {
            each["secretKey"]: self._vault.read(each["remoteRef"]["key"])[each["remoteRef"]["property"]]
            for each in specification["data"]
        }

    def _object(self, kind, namespace, name):
        """The specification of an object that Lanyard is about to make."""
        return eventually(
            lambda: json.loads(
                self._plane.kubectl("get", DEFINITIONS[kind], name, "-n", namespace, "-o", "json"))["spec"],
            f"{kind} {namespace}/{name}")
