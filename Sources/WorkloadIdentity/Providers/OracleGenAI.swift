// Oracle Generative AI. No SDK of Oracle's reads an API key from the environment: that name is a convention of ours.

extension Provider {
    static let oracleGenAI = Provider(
        "oracle-genai", title: "Oracle Generative AI",
        keys: [.ociRegion],
        mechanisms: [OKEWorkloadIdentity()],
        apiKey: APIKey(variable: "OCI_GENAI_API_KEY"))
}

extension AnnotationKey {
    static let ociRegion = lanyard("oci-region", .region)
}

/// OKE's proxymux takes the pod's own token: only variables are added.
/// https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contenggrantingworkloadaccesstoresources.htm
struct OKEWorkloadIdentity: CredentialMechanism {
    let mechanism = Mechanism.okeWorkloadIdentity
    /// The application must ask its SDK for OKE's signer: plain resource principals look for files that are not there.
    let reach = Reach.needsCode

    func tier(on platform: Platform) -> Tier { .native }

    func attempt(_ request: BindingRequest) -> Attempt {
        var missing: [String] = []
        if !request.isNamed, request.forced != mechanism {
            missing.append("\(AnnotationKey.providers.name) to name \(request.provider)")
        }
        let region = request.inputs[.ociRegion]
        if region == nil { missing.append(request.inputs.missing(.ociRegion)) }
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
                    .warning(
                        .clusterMustBeEnhanced,
                        "\(request.subject): \(request.provider): OKE serves workload identity on enhanced clusters only",
                        provider: request.provider),
                ]))
    }
}
