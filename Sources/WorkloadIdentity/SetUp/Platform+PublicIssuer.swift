extension Platform {
    /// How the issuer is made public, where that is the user's to do.
    func publicIssuer(for reader: String) -> SetUp {
        switch self {
        case .aks:
            SetUp(
                variables: [
                    .init("CLUSTER", .placeholder("AKS cluster")),
                    .init("CLUSTER_GROUP", .placeholder("resource group of the AKS cluster")),
                ],
                steps: [
                    SetUp.Step(
                        """
                        Switch the OIDC issuer on; skip this if it is (clusters made with recent versions have it). It restarts \
                        the API server, changes the issuer of new tokens, and cannot be switched off again.
                        """,
                        """
                        az aks update --name "$CLUSTER" --resource-group "$CLUSTER_GROUP" --enable-oidc-issuer
                        """)
                ])
        case .oke:
            SetUp(
                variables: [.init("CLUSTER_ID", .placeholder("OCID of the cluster"))],
                steps: [
                    SetUp.Step(
                        """
                        Switch OIDC discovery on; skip this if it is. It takes an enhanced cluster. The command asks before \
                        it replaces other options of the cluster.
                        """,
                        """
                        oci ce cluster update --cluster-id "$CLUSTER_ID" \\
                          --options '{"openIdConnectDiscovery": {"isOpenIdConnectDiscoveryEnabled": true}}' \\
                          --wait-for-state SUCCEEDED
                        oci ce cluster get --cluster-id "$CLUSTER_ID" --query 'data."open-id-connect-discovery-endpoint"' --raw-output
                        """)
                ])
        case .ack:
            SetUp(
                variables: [.init("CLUSTER_ID", .placeholder("id of the ACK cluster"))],
                steps: [
                    SetUp.Step(
                        """
                        Switch RRSA on; skip this if it is. It gives the cluster a public issuer, and RAM an OIDC provider for \
                        it. Managed clusters of version 1.22 and later have it.
                        """,
                        """
                        aliyun cs PUT "/api/v2/clusters/${CLUSTER_ID}" --body '{"enable_rrsa": true}'
                        aliyun cs GET "/clusters/${CLUSTER_ID}" | jq .rrsa_config
                        """)
                ])
        case .iks:
            SetUp(steps: [
                SetUp.Step(
                    """
                    IBM Cloud does not say that it publishes a cluster's issuer. If the check below fails, \(reader) cannot \
                    verify a token of this cluster: store a key instead (vault-agent, vault-csi, external-secret). If it \
                    succeeds, set issuer.public: true in Lanyard's configuration.
                    """)
            ])
        case .selfManaged, .eks, .gke:
            SetUp(steps: [
                SetUp.Step(
                    """
                    Publish the issuer. Choose a public HTTPS URL, start every API server with \
                    --service-account-issuer=URL before the present one, so that tokens of both are good, and with \
                    --service-account-jwks-uri=URL/openid/v1/jwks, and serve these two documents below the URL: anyone may \
                    read them, they hold public keys. Update them when the cluster's signing keys change. Then set \
                    issuer: {url: URL, public: true} in Lanyard's configuration.
                    """,
                    """
                    kubectl get --raw /.well-known/openid-configuration > openid-configuration
                    kubectl get --raw /openid/v1/jwks > jwks
                    """)
            ])
        }
    }
}
