// Oracle Generative AI. No SDK of Oracle's reads an API key from the environment: that name is a convention of ours.

extension Provider {
    static let oracleGenAI = Provider(
        "oracle-genai", title: "Oracle Generative AI",
        keys: [.ociRegion],
        mechanisms: [OKEWorkloadIdentity()],
        apiKey: APIKey(variable: "OCI_GENAI_API_KEY", isReadBySDK: false),
        hazards: [.storedUnlessPassed("OCI_CONFIG_FILE", "OCI_GENAI_API_KEY")],
        nicknames: ["oci", "oci-genai"],
        telltales: [
            .init(
                variable: "OCI_RESOURCE_PRINCIPAL_VERSION", unless: ["OCI_RESOURCE_PRINCIPAL_RPST"],
                explanation: """
                    pods have no resource principal; on OKE annotate the ServiceAccount with \
                    \(AnnotationKey.providers.name): oracle-genai and \(AnnotationKey.ociRegion.name), and use the OKE workload \
                    identity signer of the OCI SDK
                    """)
        ])
}

extension AnnotationKey {
    static let ociRegion = lanyard("oci-region", .ociRegion)
}

extension ValueSyntax {
    /// It is part of a host name in the SDKs, so nothing else may get into it.
    /// https://docs.oracle.com/en-us/iaas/Content/General/Concepts/regions.htm
    fileprivate static let ociRegion = ValueSyntax(
        "a region's identifier, such as \"us-chicago-1\"",
        diagnosis: { value in
            // The domain of availability is no part of it; nor the hyphen that was forgotten.
            let name = value.lowercased()
            let letters = name.prefix { !$0.isNumber }
            let number = name.dropFirst(letters.count).prefix(while: \.isNumber)
            return Fault(meant: (letters.hasSuffix("-") ? letters.dropLast() : letters) + "-" + number)
        }
    ) { value in
        let parts = value.split(separator: "-", omittingEmptySubsequences: false)
        guard value.utf8.count <= 64, parts.count >= 3, let number = parts.last else { return false }
        return (1...2).contains(number.utf8.count) && number.utf8.allSatisfy(\.isDigit)
            && parts.dropLast().allSatisfy { $0.utf8.count > 1 && $0.utf8.allSatisfy(\.isLowercaseLetter) }
    }
}

/// OKE's proxymux takes the pod's own token: only variables are added.
/// https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contenggrantingworkloadaccesstoresources.htm
struct OKEWorkloadIdentity: CredentialMechanism {
    let mechanism = Mechanism.okeWorkloadIdentity
    /// The application must ask its SDK for OKE's signer: plain resource principals look for files that are not there.
    let reach = Reach.needsCode
    let decisiveKeys: [AnnotationKey] = [.ociRegion]

    func tier(on platform: Platform) -> Tier { .native }

    func attempt(_ request: BindingRequest) -> Attempt {
        var missing: [String] = []
        if !request.isNamed, request.forced != mechanism {
            missing.append("\(AnnotationKey.providers.name) to name \(request.provider)")
        }
        let region = request.inputs[.ociRegion]
        missing += request.inputs.lacking(.ociRegion)
        if !request.pod.mountsServiceAccountToken {
            missing.append("the pod's own token: automountServiceAccountToken is false")
        }
        guard missing.isEmpty, let region else { return .missing(missing) }
        return .fits(
            Grant(
                addition: PodAddition(groups: [
                    .init(
                        .allOrNone,
                        [
                            .init("OCI_RESOURCE_PRINCIPAL_VERSION", "2.2"),
                            .init("OCI_RESOURCE_PRINCIPAL_REGION", region),
                        ])
                ]),
                identity: [("region", region)],
                problems: [
                    request.applicationMustPass(
                        "the OKE workload identity signer of its OCI SDK, not the one for resource principals"),
                    request.problem(
                        .warning, .clusterMustBeEnhanced, "OKE serves workload identity on enhanced clusters only"),
                ]))
    }
}

extension OKEWorkloadIdentity {
    func setUp(_ request: SetUpRequest) -> SetUp {
        SetUp(
            variables: [
                .init("CLUSTER_ID", .placeholder("OCID of the cluster")),
                .init("COMPARTMENT_ID", .placeholder("OCID of the compartment whose models are called")),
                .init("REGION", request.inputs[.ociRegion], or: .placeholder("region whose models are called")),
                .init("PROVIDERS", .known(request.providers)),
            ],
            steps: [
                .init(
                    """
                    Only enhanced clusters have workload identity. The second command turns a basic cluster into one; that \
                    costs more, and cannot be undone.
                    """,
                    #"""
                    oci ce cluster get --cluster-id "$CLUSTER_ID" --query data.type --raw-output
                    oci ce cluster update --cluster-id "$CLUSTER_ID" --type ENHANCED_CLUSTER
                    """#),
                .init(
                    """
                    The permission: call models of one compartment. The statement names the workload; dynamic groups know \
                    nothing of ServiceAccounts. For chat alone write generative-ai-chat in place of generative-ai-family. \
                    Policies are created in the home region of the tenancy.
                    """,
                    #"""
                    STATEMENTS=$(cat <<JSON
                    ["Allow any-user to use generative-ai-family in compartment id ${COMPARTMENT_ID} where all {request.principal.type = 'workload', request.principal.namespace = '${NAMESPACE}', request.principal.service_account = '${SERVICE_ACCOUNT}', request.principal.cluster_id = '${CLUSTER_ID}'}"]
                    JSON
                    )
                    oci iam policy create --compartment-id "$COMPARTMENT_ID" --name "$NAME" \
                      --description "Models for a ServiceAccount" --statements "$STATEMENTS"
                    """#),
                .init(
                    """
                    The pod presents its own token, so automountServiceAccountToken must not be false. The application asks \
                    its SDK for this signer: the one for resource principals looks for files that are not there.
                    """,
                    code: """
                        signer = oci.auth.signers.get_oke_workload_identity_resource_principal_signer()
                        client = oci.generative_ai_inference.GenerativeAiInferenceClient(config={}, signer=signer)
                        """),
            ],
            annotations: ["lanyard.dev/oci-region=${REGION}"],
            sharedAnnotations: ["lanyard.dev/providers=${PROVIDERS}"],
            trial: [
                .init(
                    """
                    Try it in a pod, since only pods reach the endpoint that exchanges the token: this prints the name of a \
                    model. The namespace must admit the pod.
                    """,
                    #"""
                    kubectl run lanyard-explain --namespace "$NAMESPACE" --rm --attach --quiet --restart=Never \
                      --overrides="{\"spec\": {\"serviceAccountName\": \"${SERVICE_ACCOUNT}\"}}" \
                      --image=ghcr.io/oracle/oci-cli:latest -- --auth oke_workload_identity --region "$REGION" \
                      generative-ai model-collection list-models --compartment-id "$COMPARTMENT_ID" \
                      --limit 1 --query 'data.items[0]."display-name"' --raw-output
                    """#)
            ],
            removal: [
                .init(
                    "The policy.",
                    #"""
                    oci iam policy delete --force --policy-id "$(oci iam policy list --compartment-id "$COMPARTMENT_ID" \
                      --name "$NAME" --query 'data[0].id' --raw-output)"
                    """#)
            ])
    }
}
