/// What the cluster signs with, compared with what providers have and take.
public struct KeyReview: Hashable, Sendable {
    public let keys: IssuerKeySet
    public let uploaded: UploadedKeys
    public let facts: PlatformFacts

    public init(keys: IssuerKeySet, uploaded: UploadedKeys, facts: PlatformFacts) {
        self.keys = keys
        self.uploaded = uploaded
        self.facts = facts
    }

    /// The keys that were not uploaded; `nil` if nothing is known to have been.
    public func keysNotUploaded(to verifier: KeyVerifier) -> [IssuerKey]? {
        uploaded[verifier.provider].map { uploaded in keys.keys.filter { !uploaded.contains($0.thumbprint) } }
    }

    /// What is wrong, or not known, for one who verifies tokens. Errors and warnings are wrong, notes are not known.
    public func problems(for verifier: KeyVerifier) -> [Problem] {
        verifier.problems(with: keys) + [staleness(of: verifier)].compactMap { $0 }
    }

    private func staleness(of verifier: KeyVerifier) -> Problem? {
        let command = "`lanyard keys --provider \(verifier.provider)` prints the commands"
        guard let missing = keysNotUploaded(to: verifier) else {
            guard verifier.source(on: facts) == .uploaded else { return nil }
            return verifier.problem(
                .uploadedKeysNotNoted,
                """
                verifies tokens by keys that are uploaded, and it is not known which ones were; note it with --uploaded: \
                \(command)
                """, .note)
        }
        guard !missing.isEmpty else { return nil }
        let names = missing.prefix(4).map(\.name) + (missing.count > 4 ? ["\(missing.count - 4) more"] : [])
        return verifier.problem(
            .uploadedKeysStale,
            """
            does not have all of the cluster's keys, and denies tokens that are signed with \(names.listed): upload the set \
            before the old key goes; \(command)
            """, .warning)
    }
}
