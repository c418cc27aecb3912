internal import CoreMetrics
internal import KubernetesClient
internal import KubernetesModel
internal import Logging
internal import Metrics
public import ServiceLifecycle
internal import Synchronization
internal import WorkloadIdentity

/// Looks at the keys with which the cluster signs, and tells when a provider to whom keys were uploaded does not have them all:
/// before the old key goes.
///
/// It tells while it runs, which is while this replica leads.
public final class IssuerKeyWatch: Service {
    /// A key that is added signs nothing for some time; what was noted should be seen soon.
    private static let interval = Duration.seconds(15)

    /// What the metric is, for `# HELP`.
    public static let help = [
        "lanyard_issuer_keys_stale":
            """
        1 while the cluster has a key that was not uploaded to the provider, 0 while it has none, by provider in use; from \
        the leader alone.
        """
    ]

    private struct State {
        /// `nil`: not looked yet.
        var review: KeyReview?
        var onChange: (@Sendable () -> Void)?
        var gauges: [ProviderName: Gauge] = [:]
        /// What the log has said of each provider.
        var told: [ProviderName: Bool] = [:]
        var hasToldFailure = false
    }

    private let client: KubernetesClient
    private let namespace: String
    private let facts: @Sendable () -> PlatformFacts
    private let providersInUse: @Sendable () -> Set<ProviderName>
    private let factory: any MetricsFactory
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let state = Mutex(State())

    /// - Parameters:
    ///   - namespace: Lanyard's own.
    ///   - providersInUse: those whose tokens are verified by the issuer's keys for some ServiceAccount.
    init(
        client: KubernetesClient, namespace: String, facts: @escaping @Sendable () -> PlatformFacts,
        providersInUse: @escaping @Sendable () -> Set<ProviderName>, metrics factory: any MetricsFactory,
        logger: Logger,
        clock: any Clock<Duration> = .continuous
    ) {
        self.client = client
        self.namespace = namespace
        self.facts = facts
        self.providersInUse = providersInUse
        self.factory = factory
        self.logger = logger
        self.clock = clock
    }

    /// What was seen last; `nil` before the first look.
    var review: KeyReview? { state.withLock { $0.review } }

    /// - Parameter onChange: called when the review differs from the one before.
    func observe(_ onChange: @escaping @Sendable () -> Void) { state.withLock { $0.onChange = onChange } }

    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var recent = RecentIssuerKeys()
            let time = Stopwatch(clock)
            repeat {
                await look(&recent, at: time.elapsed)
            } while (try? await clock.sleep(for: Self.interval, tolerance: nil)) != nil
        }
        state.withLock { state in
            for gauge in state.gauges.values { gauge.destroy() }
            state = State(onChange: state.onChange)
        }
    }

    /// - Parameters:
    ///   - recent: the keys that were seen before.
    ///   - moment: since the watch began.
    func look(_ recent: inout RecentIssuerKeys, at moment: Duration) async {
        do {
            recent.note(try await client.issuerKeys(), at: moment)
            let uploaded = try await client.uploadedKeys(in: namespace)
            state.withLock { $0.hasToldFailure = false }
            tell(keys: recent.set, uploaded: uploaded)
        } catch {
            // A server that is away is told of elsewhere, and what was seen last stands.
            guard let error = error as? KubernetesError, !error.isRetryable, !Task.isCancelled else { return }
            let isNew = state.withLock { state in
                defer { state.hasToldFailure = true }
                return !state.hasToldFailure
            }
            if isNew { logger.notice("the cluster's signing keys are not known", error: error) }
            // Nothing is said of keys then.
            tell(keys: IssuerKeySet(), uploaded: UploadedKeys())
        }
    }

    private func tell(keys: IssuerKeySet, uploaded: UploadedKeys) {
        let facts = facts()
        let review = KeyReview(
            keys: keys, uploaded: uploaded, facts: PlatformFacts(platform: facts.platform, issuer: facts.issuer))
        let missing = missingKeys(by: review)
        let (news, onChange) = state.withLock { state in
            record(missing.mapValues { !$0.isEmpty }, in: &state)
            let news = missing.filter { state.told[$0.key, default: false] != !$0.value.isEmpty }
            state.told = missing.mapValues { !$0.isEmpty }
            let isNew = state.review != review
            state.review = review
            return (news, isNew ? state.onChange : nil)
        }
        for (provider, keys) in news.sorted(by: { $0.key < $1.key }) { log(provider, keys) }
        onChange?()
    }

    /// The keys that providers in use do not have; without those of whom nothing was noted.
    private func missingKeys(by review: KeyReview) -> [ProviderName: [IssuerKey]] {
        let noted = KeyVerifier.all.filter { review.uploaded[$0.provider] != nil }
        guard !noted.isEmpty else { return [:] }
        let inUse = providersInUse()
        var missing: [ProviderName: [IssuerKey]] = [:]
        for verifier in noted where inUse.contains(verifier.provider) {
            missing[verifier.provider] = review.keysNotUploaded(to: verifier)
        }
        return missing
    }

    private func record(_ isStale: [ProviderName: Bool], in state: inout State) {
        for (provider, gauge) in state.gauges where isStale[provider] == nil {
            gauge.destroy()
            state.gauges[provider] = nil
        }
        for (provider, isStale) in isStale {
            let gauge =
                state.gauges[provider]
                ?? Gauge(
                    label: "lanyard_issuer_keys_stale", dimensions: [("provider", provider.rawValue)], factory: factory)
            gauge.record(isStale ? 1 : 0)
            state.gauges[provider] = gauge
        }
    }

    private func log(_ provider: ProviderName, _ missing: [IssuerKey]) {
        guard !missing.isEmpty else {
            logger.notice("the uploaded keys are current again", metadata: ["provider": "\(provider)"])
            return
        }
        logger.warning(
            "the uploaded keys are stale",
            metadata: [
                "provider": "\(provider)", "missing": "\(missing.map(\.name).joined(separator: " "))",
                "remedy": "lanyard keys --provider \(provider)",
            ])
    }
}
