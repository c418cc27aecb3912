// https://external-secrets.io/latest/provider/hashicorp-vault/
// https://external-secrets.io/latest/provider/ibm-secrets-manager/

extension ExternalSecret {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let settings = request.configuration.externalSecrets
        let isForAll = settings.storeKind == .clusterSecretStore
        // A SecretStore presents a ServiceAccount of its own namespace.
        let trust = VaultTrust(
            request, apiKey, for: isForAll ? .externalSecrets : .serviceAccount,
            audience: .init("AUDIENCE", .known("vault")))
        let isVersion1 = request.inputs[.vaultPath(of: provider)]?.contains("/data/") == false
        let ibm = IBMSecretsManager(request)
        let bound =
            isForAll && request.configuration.vault.allowedPaths.isEmpty
            ? """
             It serves every namespace, so Lanyard's configuration also has to say which keys are whose, such as \
            vault: {allowedPaths: ["secret/data/{namespace}/**"]}.
            """ : ""
        let hint = settings.store == nil ? " as soon as its configuration says externalSecrets: {store: lanyard}" : ""
        return SetUp(
            variables: trust.variables + [
                .init("STORE", .known(settings.store ?? "lanyard")),
                .init("KV_VERSION", .known(isVersion1 ? "v1" : "v2")),
            ] + (ibm?.variables ?? []),
            steps: [
                .init(
                    "The External Secrets Operator, once in a cluster.",
                    #"""
                    helm repo add external-secrets https://charts.external-secrets.io
                    helm upgrade --install external-secrets external-secrets/external-secrets \
                      --namespace external-secrets --create-namespace --reuse-values
                    """#)
            ] + trust.steps + [
                .init(
                    """
                    The store, once\(isForAll ? "" : " in each namespace"). Lanyard names it in the ExternalSecrets that it \
                    keeps\(hint).\(bound) It works with OpenBao as it is.
                    """,
                    isForAll ? Self.clusterStore : Self.store)
            ] + (ibm?.steps ?? []) + [
                .init(
                    """
                    The operator copies the key into a Secret, and \(apiKey.variable) is taken from that: the application \
                    stays as it is, and whoever may read Secrets in the namespace may read the key.
                    """)
            ],
            annotations: VaultTrust.annotations + ["lanyard.dev/secret-delivery=external-secret"])
    }

    private static let clusterStore: ShellText = #"""
        kubectl apply --filename - <<YAML
        apiVersion: external-secrets.io/v1
        kind: ClusterSecretStore
        metadata:
          name: "${STORE}"
        spec:
          provider:
            vault:
              server: "${VAULT_ADDR}"
              version: "${KV_VERSION}"
              ${VAULT_NAMESPACE:+namespace: ${VAULT_NAMESPACE}}
              auth:
                kubernetes:
                  mountPath: "${AUTH_MOUNT}"
                  role: "${VAULT_ROLE}"
                  serviceAccountRef:
                    name: external-secrets
                    namespace: external-secrets
                    audiences: ["${AUDIENCE}"]
        YAML
        """#

    private static let store: ShellText = #"""
        kubectl apply --filename - <<YAML
        apiVersion: external-secrets.io/v1
        kind: SecretStore
        metadata:
          name: "${STORE}"
          namespace: "${NAMESPACE}"
        spec:
          provider:
            vault:
              server: "${VAULT_ADDR}"
              version: "${KV_VERSION}"
              ${VAULT_NAMESPACE:+namespace: ${VAULT_NAMESPACE}}
              auth:
                kubernetes:
                  mountPath: "${AUTH_MOUNT}"
                  role: "${VAULT_ROLE}"
                  serviceAccountRef:
                    name: "${SERVICE_ACCOUNT}"
                    audiences: ["${AUDIENCE}"]
        YAML
        """#
}

/// IBM Cloud's own store of secrets, shown where it is at home: with IBM's clusters and models.
private struct IBMSecretsManager {
    var variables: [SetUp.Variable] = [
        .init("SECRETS_MANAGER_URL", .placeholder("service endpoint of Secrets Manager, https://...")),
        .init("SECRETS_MANAGER_GUID", .placeholder("GUID of the Secrets Manager instance")),
    ]
    var steps: [SetUp.Step]

    init?(_ request: SetUpRequest) {
        if request.facts.platform == .iks {
            variables += [
                .init("CLUSTER", .placeholder("name or id of the cluster")),
                .init("CR_TYPE", .known("IKS_SA"), remark: "ROKS_SA for Red Hat OpenShift"),
            ]
            steps = [Self.profile]
        } else if request.provider == "ibm-watsonx" {
            steps = [Self.apiKey]
        } else {
            return nil
        }
    }

    private static let instead =
        """
        Or IBM Secrets Manager in place of Vault: then skip the steps of Vault, write externalSecrets: {store: \
        ibm-secrets-manager} in Lanyard's configuration, and let VAULT_PATH be kv/ID, with the id of the secret.
        """

    private static let profile = SetUp.Step(
        "\(instead) The operator is the trusted profile's, so that no key is stored for it.",
        #"""
        ibmcloud iam trusted-profile-create external-secrets
        CLUSTER_CRN=$(ibmcloud ks cluster get --cluster "$CLUSTER" --output json | jq -r .crn)
        ibmcloud iam trusted-profile-link-create external-secrets --name external-secrets --cr-type "$CR_TYPE" \
          --link-crn "$CLUSTER_CRN" --link-namespace external-secrets --link-name external-secrets
        ibmcloud iam trusted-profile-policy-create external-secrets --roles SecretsReader \
          --service-name secrets-manager --service-instance "$SECRETS_MANAGER_GUID"
        helm upgrade external-secrets external-secrets/external-secrets --namespace external-secrets --reuse-values \
          --set-json 'extraVolumes=[{"name": "sa-token", "projected": {"sources": [{"serviceAccountToken": {"path": "sa-token", "audience": "iam", "expirationSeconds": 3600}}]}}]' \
          --set-json 'extraVolumeMounts=[{"name": "sa-token", "mountPath": "/var/run/secrets/tokens"}]'
        kubectl apply --filename - <<YAML
        apiVersion: external-secrets.io/v1
        kind: ClusterSecretStore
        metadata:
          name: ibm-secrets-manager
        spec:
          provider:
            ibm:
              serviceUrl: "${SECRETS_MANAGER_URL}"
              auth:
                containerAuth:
                  profile: external-secrets
                  tokenLocation: /var/run/secrets/tokens/sa-token
        YAML
        """#)

    private static let apiKey = SetUp.Step(
        "\(instead) Outside IBM Cloud the operator needs an API key of its own.",
        #"""
        ibmcloud iam service-id-create external-secrets
        ibmcloud iam service-policy-create external-secrets --roles SecretsReader \
          --service-name secrets-manager --service-instance "$SECRETS_MANAGER_GUID"
        ibmcloud iam service-api-key-create external-secrets external-secrets --output JSON | jq -j .apikey |
          kubectl create secret generic ibm-secrets-manager --namespace external-secrets --from-file=apiKey=/dev/stdin
        kubectl apply --filename - <<YAML
        apiVersion: external-secrets.io/v1
        kind: ClusterSecretStore
        metadata:
          name: ibm-secrets-manager
        spec:
          provider:
            ibm:
              serviceUrl: "${SECRETS_MANAGER_URL}"
              auth:
                secretRef:
                  secretApiKeySecretRef:
                    name: ibm-secrets-manager
                    namespace: external-secrets
                    key: apiKey
        YAML
        """#)
}
