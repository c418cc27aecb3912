// https://external-secrets.io/latest/provider/hashicorp-vault/

extension ExternalSecret {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let settings = request.configuration.externalSecrets
        let isForAll = settings.storeKind == .clusterSecretStore
        // A SecretStore presents a ServiceAccount of its own namespace.
        let trust = VaultTrust(
            request, apiKey, for: isForAll ? .externalSecrets : .serviceAccount,
            audience: .init("AUDIENCE", .known("vault")))
        let isVersion1 = request.inputs[.vaultPath(of: provider)]?.contains("/data/") == false
        let others = request.secretStores.compactMap { $0.setUp(request) }
        let bound =
            isForAll && request.configuration.vault.allowedPaths.isEmpty
            ? """
             It serves every namespace, so Lanyard's configuration must also say which keys are whose, such as \
            vault: {allowedPaths: ["secret/data/{namespace}/**"]}.
            """ : ""
        let hint = settings.store == nil ? " as soon as its configuration says externalSecrets: {store: lanyard}" : ""
        return SetUp(
            variables: trust.variables + [
                .init("STORE", .known(settings.store ?? "lanyard")),
                .init("KV_VERSION", .known(isVersion1 ? "v1" : "v2")),
            ] + others.flatMap(\.variables),
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
                    creates\(hint).\(bound) OpenBao is served by the same provider.
                    """,
                    isForAll ? Self.clusterStore : Self.store)
            ] + others.flatMap(\.steps) + [
                .init(
                    """
                    The External Secrets Operator copies the key into a Secret, and the containers get \(apiKey.variable) from \
                    it: \(apiKey.isReadBySDK
                        ? "the application stays as it is"
                        : "the application passes it to its SDK, which does not read it"). \
                    Whoever may read Secrets in the namespace may read the key.
                    """)
            ],
            annotations: VaultTrust.annotations,
            sharedAnnotations: ["lanyard.dev/secret-delivery=external-secret"],
            trial: trust.trial + [
                .init(
                    "Lanyard creates the ExternalSecret: this shows whether the External Secrets Operator could copy the key.",
                    #"kubectl get externalsecrets --namespace "$NAMESPACE""#)
            ],
            removal: trust.removal + [
                .init(
                    "The store, once no other key is read from it.",
                    isForAll
                        ? #"kubectl delete clustersecretstore "$STORE""#
                        : #"kubectl delete secretstore "$STORE" --namespace "$NAMESPACE""#)
            ] + others.flatMap(\.removal))
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
