extension Matrix {
    /// The data: a row for a provider, a cell for a platform.
    static let builtIn: [ProviderName: [Platform: [Mechanism]]] = [
        "aws-bedrock": row([.awsWebIdentity], on: [.eks: [.eksPodIdentity, .irsa, .awsWebIdentity]]),
        "azure-openai": row([.azureWorkloadIdentity]),
        "google-vertex": row([.gcpWorkloadIdentityFederation], on: [.gke: [.gkeWorkloadIdentity]]),
        "ibm-watsonx": row([], on: [.iks: [.ibmTrustedProfile]]),
        "oracle-genai": row([], on: [.oke: [.okeWorkloadIdentity]]),
        "alibaba-modelstudio": row([.alibabaRRSA]),
        "openai": row([.openAIFederation]),
        "anthropic": row([.anthropicFederation]),
    ]

    /// One cell for every platform, but for those with a cell of their own. A stored key is the last resort of each.
    private static func row(
        _ everywhere: [Mechanism], on exceptions: [Platform: [Mechanism]] = [:]
    ) -> [Platform: [Mechanism]] {
        let cells = Platform.allCases.map { ($0, (exceptions[$0] ?? everywhere) + Mechanism.secretDeliveries) }
        return Dictionary(cells) { first, _ in first }
    }
}
