/// Which keys people have uploaded to which provider, as `lanyard keys --uploaded` notes it in a ConfigMap.
public struct UploadedKeys: Hashable, Sendable {
    /// The ConfigMap's name, in Lanyard's namespace. Its keys are providers, its values thumbprints, one a line.
    public static let configMap = "lanyard-uploaded-keys"

    private let thumbprints: [ProviderName: Set<String>]

    /// - Parameter data: the ConfigMap's. Whoever may write it may write anything; what is no provider says nothing.
    public init(_ data: [String: String] = [:]) {
        thumbprints = Dictionary(
            KeyVerifier.all.compactMap { verifier in
                data[verifier.provider.rawValue].map {
                    (verifier.provider, Set($0.split(whereSeparator: \.isWhitespace).map(String.init)))
                }
            }
        ) { first, _ in first }
    }

    /// `nil` if nothing was noted.
    public subscript(provider: ProviderName) -> Set<String>? { thumbprints[provider] }

    /// What the ConfigMap has for a set that was uploaded.
    public static func note(of set: IssuerKeySet) -> String {
        set.keys.map { "\($0.thumbprint)\n" }.joined()
    }
}
