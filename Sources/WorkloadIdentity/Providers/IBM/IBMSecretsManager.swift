// https://external-secrets.io/latest/provider/ibm-secrets-manager/

/// IBM Cloud's own store of secrets, shown where it is at home: with IBM's clusters and models.
struct IBMSecretsManager: SecretStore {
    func setUp(_ request: SetUpRequest) -> SetUp? {
        let instance: [SetUp.Variable] = [
            .init("SECRETS_MANAGER_URL", .placeholder("service endpoint of Secrets Manager, https://...")),
            .init("SECRETS_MANAGER_GUID", .placeholder("GUID of the Secrets Manager instance")),
        ]
        if request.facts.platform == .iks {
            return SetUp(
                variables: instance + [
                    .init("CLUSTER", .placeholder("name or id of the cluster")),
                    .init("CR_TYPE", .known("IKS_SA"), remark: "ROKS_SA for Red Hat OpenShift"),
                ],
                steps: [Self.profile],
                removal: [
                    .init(
                        "Secrets Manager, once nothing else reads from it.",
                        """
                        kubectl delete clustersecretstore ibm-secrets-manager
                        ibmcloud iam trusted-profile-delete external-secrets --force
                        """)
                ])
        }
        guard request.provider == Provider.ibmWatsonx.name else { return nil }
        return SetUp(
            variables: instance, steps: [Self.apiKey],
            removal: [
                .init(
                    "Secrets Manager, once nothing else reads from it.",
                    """
                    kubectl delete clustersecretstore ibm-secrets-manager
                    kubectl delete secret ibm-secrets-manager --namespace external-secrets
                    ibmcloud iam service-id-delete external-secrets --force
                    """)
            ])
    }

    private static let instead =
        """
        Or IBM Secrets Manager in place of Vault: then skip the steps of Vault, set externalSecrets: {store: \
        ibm-secrets-manager} in Lanyard's configuration, and set VAULT_PATH to kv/ID, with the id of the secret.
        """

    private static let profile = SetUp.Step(
        "\(instead) The External Secrets Operator acts as the trusted profile, so that no key is stored for it.",
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
        "\(instead) Outside IBM Cloud the External Secrets Operator needs an API key of its own.",
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
