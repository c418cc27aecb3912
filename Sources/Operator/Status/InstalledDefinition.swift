internal import CoreMetrics
internal import JSON
public import KubernetesClient
internal import KubernetesModel
public import Logging
public import Metrics
public import ServiceLifecycle

/// Tells whether the installed CustomResourceDefinition has every field that this release writes. The API server drops what
/// it does not have, and Helm never upgrades a definition.
public struct InstalledDefinition: Service {
    /// Somebody may replace it.
    private static let interval = Duration.seconds(60)

    /// What the metric is, for `# HELP`.
    public static let help = [
        "lanyard_definition_current":
            "1 while the installed definition has every field that this release writes, 0 while it is older."
    ]

    private let client: KubernetesClient
    private let current: Gauge
    private let logger: Logger
    private let clock: any Clock<Duration>

    public init(
        client: KubernetesClient, metrics: any MetricsFactory, logger: Logger, clock: any Clock<Duration> = .continuous
    ) {
        self.client = client
        self.logger = logger
        self.clock = clock
        current = Gauge(label: "lanyard_definition_current", factory: metrics)
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var told: [String] = []
            repeat {
                _ = await isCurrent(&told)
            } while (try? await clock.sleep(for: Self.interval, tolerance: nil)) != nil
        }
    }

    /// - Parameter told: the missing fields that the log has named.
    func isCurrent(_ told: inout [String]) async -> Bool {
        let name = WorkloadIdentityObject.resourceType.definitionName
        let missing: [String]
        do {
            let definition = try await client.get(CustomResourceSchema.self, ObjectKey(name: name))
            missing = Self.missingFields(definition)
        } catch {
            // A server that is away is told of elsewhere; this is looked at again in a minute.
            let isDefinite = (error as? KubernetesError).map { $0.isForbidden || $0.isNotFound } ?? true
            if isDefinite, told.isEmpty, !Task.isCancelled {
                logger.notice(
                    "it is not known whether the installed definition is of this release",
                    metadata: ["k8s.object": "\(name)", "error": "\(error)"])
                told = ["?"]
            }
            return false
        }
        current.record(missing.isEmpty ? 1 : 0)
        if missing.isEmpty, !told.isEmpty {
            logger.notice("the installed definition is of this release", metadata: ["k8s.object": "\(name)"])
        }
        if !missing.isEmpty, missing != told {
            logger.error(
                "the installed definition is older than this release",
                metadata: [
                    "k8s.object": "\(name)", "missing": "\(missing.joined(separator: " "))",
                    "remedy": """
                    kubectl apply --server-side --force-conflicts -f charts/lanyard/crds/\(name).yaml, of this release
                    """,
                ])
        }
        told = missing
        return missing.isEmpty
    }

    static func missingFields(_ definition: CustomResourceSchema) -> [String] {
        let schema = definition.versions[WorkloadIdentityObject.resourceType.version]
        return written.subtracting(schema.map { fields(of: $0) } ?? []).sorted()
    }

    /// The fields that a schema knows, as paths: `status.pods.attention[].name`.
    static func fields(of schema: JSONValue, at path: String = "", depth: Int = 16) -> Set<String> {
        guard depth > 0 else { return [] }
        var found: Set<String> = []
        if let items = schema["items"] { found.formUnion(fields(of: items, at: path + "[]", depth: depth - 1)) }
        for (name, property) in schema["properties"]?.object ?? [:] {
            let inner = path.isEmpty ? name : "\(path).\(name)"
            found.insert(inner)
            found.formUnion(fields(of: property, at: inner, depth: depth - 1))
        }
        return found
    }

    /// What ``WorkloadIdentityStatus``, ``HealingRecord`` and ``TrustHistory`` write.
    static let written: Set<String> = {
        let parts: [String: String] = [
            "": """
            platform evidence issuer components objects healing injection verification summary providers pods workloads \
            warnings conditions
            """,
            "issuer": "url reach",
            "objects[]": "kind name",
            "healing[]": "kind name pod podUID cause phase time remaining failures message",
            "injection": "by reason",
            "verification": "plan lastTrialTime results",
            "verification.results[]": """
            provider mechanism identity pod status outcome reason message fix denied denials firstDenialTime lastProofTime
            """,
            "summary": "providers mechanisms identities pods",
            "providers[]": "name ready reason message mechanism identity issuer subject audience tier reach",
            "pods": "total current stale notInjected lacking unknown attention others",
            "pods.attention[]": "name state providers",
            "workloads[]": "kind name problems",
            "workloads[].problems[]": "reason message",
            "conditions[]": "type status reason message lastTransitionTime",
        ]
        return Set(
            parts.flatMap { place, names in
                names.split(separator: " ").map { "status." + (place.isEmpty ? "" : place + ".") + $0 }
            })
    }()
}
