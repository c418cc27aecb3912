extension Matrix {
    /// The data: a row for a provider, a cell for a platform.
    static let builtIn: [ProviderName: [Platform: [Mechanism]]] = [
        "aws-bedrock": row(
            [.awsWebIdentity, .vaultAgent], on: [.eks: [.eksPodIdentity, .irsa, .awsWebIdentity, .vaultAgent]]),
        "azure-openai": row([.azureWorkloadIdentity, .vaultAgent]),
        "google-vertex": row(
            [.gcpWorkloadIdentityFederation, .vaultAgent], on: [.gke: [.gkeWorkloadIdentity, .vaultAgent]]),
        "ibm-watsonx": row([.vaultAgent], on: [.iks: [.ibmTrustedProfile, .vaultAgent]]),
        "oracle-genai": row([.vaultAgent], on: [.oke: [.okeWorkloadIdentity, .vaultAgent]]),
        "alibaba-modelstudio": row([.alibabaRRSA, .vaultAgent]),
        "openai": row([.openAIFederation, .vaultAgent]),
        "anthropic": row([.anthropicFederation, .vaultAgent]),
    ]

    /// One cell for every platform, but for those with a cell of their own.
    private static func row(
        _ everywhere: [Mechanism], on exceptions: [Platform: [Mechanism]] = [:]
    ) -> [Platform: [Mechanism]] {
        let cells = Platform.allCases.map { ($0, exceptions[$0] ?? everywhere) }
        return Dictionary(cells) { first, _ in first }
    }
}
