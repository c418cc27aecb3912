internal import CoreMetrics
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Logging
internal import Metrics
internal import ServiceLifecycle
internal import WorkloadIdentity

/// Tells whether the API server injects by itself: whether it has such policies, and the one of this release is there with
/// its binding. Whoever installs the operator installs those, and may lose them.
struct InstalledPolicy: Service {
    /// What is found.
    enum Standing: Hashable, Sendable {
        case inPlace
        /// Says why it does not inject, or need not.
        case notInPlace(String)
    }

    /// What the metric is, for `# HELP`.
    static let help = [
        "lanyard_policy_in_place":
            """
        1 while the API server has the policy that injects and its binding, as this release installs them, 0 while it has not; \
        from the leader alone.
        """
    ]

    /// Of the policy and of its binding.
    static let name = "pod-injector.lanyard.dev"
    static let policy = resourceType("MutatingAdmissionPolicy", "mutatingadmissionpolicies")
    static let binding = resourceType("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings")
    /// That of the policy in charts/lanyard/templates/policy.yaml.
    static let fingerprint = "d63fffa3"

    /// Somebody may remove or replace them.
    private static let interval = Duration.seconds(30)

    private let client: KubernetesClient
    private let ledger: PlanSetLedger
    private let metrics: any MetricsFactory
    private let logger: Logger
    private let clock: any Clock<Duration>

    init(
        client: KubernetesClient, ledger: PlanSetLedger, metrics: any MetricsFactory, logger: Logger,
        clock: any Clock<Duration> = .continuous
    ) {
        self.client = client
        self.ledger = ledger
        self.metrics = metrics
        self.logger = logger
        self.clock = clock
    }

    func run() async throws {
        let inPlace = Gauge(label: "lanyard_policy_in_place", factory: metrics)
        await cancelWhenGracefulShutdown {
            repeat {
                await look(inPlace)
            } while (try? await clock.sleep(for: Self.interval, tolerance: nil)) != nil
        }
        // Who leads no more does not know what becomes of it.
        inPlace.destroy()
        ledger.forgetPolicy()
    }

    /// Looks once, and tells the ledger.
    func look(_ inPlace: Gauge) async {
        let found: Standing
        do {
            found = try await standing()
        } catch let error as KubernetesError where error.isForbidden {
            found = .notInPlace("Lanyard may not read whether the API server's own policy is there")
        } catch {
            // A server that is away is told of elsewhere; what was so counts until it is back.
            return
        }
        inPlace.record(found == .inPlace ? 1 : 0)
        guard ledger.found(found), !Task.isCancelled else { return }
        switch found {
        case .inPlace: logger.notice("the API server injects by itself", metadata: ["k8s.object": "\(Self.name)"])
        case .notInPlace(let reason):
            logger.error(
                "injection is left to the webhook",
                metadata: [
                    "k8s.object": "\(Self.name)", "reason": "\(reason)",
                    "remedy": """
                    upgrade the release with this version's chart, or kubectl apply -f manifests/plan-sets.yaml -f \
                    manifests/policy.yaml of this version; where the API server has no such policies, turn injection.policy off
                    """,
                ])
        }
    }

    private func standing() async throws -> Standing {
        guard let policy = try await present(Self.policy) else {
            return .notInPlace(try await isServed ? Self.absence(of: Self.policy) : Self.unserved)
        }
        guard let binding = try await present(Self.binding) else { return .notInPlace(Self.absence(of: Self.binding)) }
        guard Self.fingerprint(of: policy) == Self.fingerprint else {
            return .notInPlace("the \(Self.policy.kind) \(Self.name) is not that of this release")
        }
        guard Self.binds(binding) else {
            return .notInPlace("the \(Self.binding.kind) \(Self.name) does not bind the policy as in this release")
        }
        return .inPlace
    }

    private static let unserved =
        "the API server has no \(policy.kind) in \(policy.apiVersion), which Kubernetes has from 1.36"

    private static func absence(of type: ResourceType) -> String { "there is no \(type.kind) \(name)" }

    private var isServed: Bool {
        get async throws {
            let served = try await client.servedResources(of: Self.policy.apiVersion) ?? []
            return served.contains { $0.name == Self.policy.plural }
        }
    }

    private func present(_ type: ResourceType) async throws -> JSONValue? {
        do {
            return try await client.json(.get(type, ObjectKey(name: Self.name)))
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    // MARK: Contents

    /// Of all that decides what pods get. The API server adds nothing to these fields, and the rest, which pods the policy is
    /// shown, is the installation's choice.
    static func fingerprint(of policy: JSONValue) -> String {
        let spec = policy["spec"]
        func list(_ name: String, _ fields: [[String]]) -> JSONValue {
            .array(
                (spec?[name]?.array ?? []).map { element in
                    .array(fields.map { path in path.reduce(element) { $0?[$1] } ?? .null })
                })
        }
        let parts: JSONValue = [
            spec?["paramKind"]?["apiVersion"] ?? .null, spec?["paramKind"]?["kind"] ?? .null,
            spec?["failurePolicy"] ?? .null, spec?["reinvocationPolicy"] ?? .null,
            list("matchConditions", [["name"], ["expression"]]), list("variables", [["name"], ["expression"]]),
            list("mutations", [["patchType"], ["jsonPatch", "expression"], ["applyConfiguration", "expression"]]),
        ]
        return Fingerprint.of(parts.serializedString())
    }

    private static func binds(_ binding: JSONValue) -> Bool {
        let spec = binding["spec"]
        return spec?["policyName"]?.string == name && spec?["matchResources"] == nil
            && spec?["paramRef"]?["name"]?.string == CredentialPlanSet.name
            && spec?["paramRef"]?["namespace"] == nil && spec?["paramRef"]?["selector"] == nil
    }

    private static func resourceType(_ kind: String, _ plural: String) -> ResourceType {
        ResourceType(
            group: "admissionregistration.k8s.io", version: "v1", kind: kind, plural: plural, isNamespaced: false)
    }
}
