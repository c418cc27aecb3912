internal import CoreMetrics
internal import Synchronization
internal import WorkloadIdentity

/// `lanyard_injections_total`: what became of the providers that pods ask for.
///
/// The series are bounded: providers are those of the matrix and of the configuration, mechanisms and outcomes enumerations.
public final class InjectionMetrics: Sendable {
    /// What the metrics are, by name, for `# HELP`.
    public static let help = [
        "lanyard_injections_total":
            "Providers that pods asked for at their admission, by provider, mechanism and what became of it."
    ]

    private let factory: any MetricsFactory
    private let counters = Mutex<[InjectionRecord.Entry: Counter]>([:])

    init(_ factory: any MetricsFactory) {
        self.factory = factory
    }

    func count(_ record: InjectionRecord) {
        for entry in record.entries { counter(entry).increment() }
    }

    private func counter(_ entry: InjectionRecord.Entry) -> Counter {
        counters.withLock { counters in
            if let known = counters[entry] { return known }
            let counter = Counter(
                label: "lanyard_injections_total",
                dimensions: [
                    ("provider", entry.provider.rawValue), ("mechanism", entry.mechanism?.rawValue ?? "none"),
                    ("outcome", entry.outcome.rawValue),
                ], factory: factory)
            counters[entry] = counter
            return counter
        }
    }
}
