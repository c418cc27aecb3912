public import AdmissionWebhook
public import KubernetesClient
internal import KubernetesModel
public import PodInjection
internal import WorkloadIdentity

/// Judges ServiceAccounts and workloads as they are applied.
///
/// Every problem is a warning, all at once. Where the policy is `enforce`, errors are refused, if this very operation brings
/// them: an object that had them before can still be scaled, mended in part and deleted. What cannot be judged goes ahead.
public struct WorkloadValidator: AdmissionHandler {
    private let planner: Planner
    private let serviceAccounts: ObjectLookup<ServiceAccount>
    private let namespaces: ObjectLookup<PartialObjectMetadata<Namespace>>

    public init(planner: Planner, client: KubernetesClient) {
        self.planner = planner
        serviceAccounts = ObjectLookup(planner.stores.serviceAccounts, client)
        namespaces = ObjectLookup(planner.stores.namespaces, client)
    }

    public func review(
        _ request: AdmissionRequest, of object: WorkloadManifest?, replacing oldObject: WorkloadManifest?
    ) async throws -> AdmissionResponse {
        guard let object = object.flatMap({ JudgedObject($0, appliedBy: request) }) else { return .allowed() }
        var surroundings = try await surroundings(of: object, .known)
        var judgement = judge(object, in: surroundings)
        if !judgement.errors.isEmpty {
            // What is wrong may have been mended in the same apply, and the watch has not told of it yet.
            surroundings = try await self.surroundings(of: object, .current)
            judgement = judge(object, in: surroundings)
        }
        let policy = PolicyInForce(of: object, in: surroundings.namespace)
        let old = oldObject.flatMap { JudgedObject($0, replacedBy: request) }
        let refused = try await errorsToRefuse(judgement, policy, request, replacing: old, surroundings)
        return answer(object, judgement, policy, refused: refused)
    }

    // MARK: Judging

    /// What an object is seen together with.
    private struct Surroundings {
        var namespace: ObjectMetadata?
        /// Of a workload; `nil` if there is none.
        var account: ServiceAccount?
    }

    private enum Knowledge {
        /// As the stores have it; what they do not have is read.
        case known
        /// All is read anew.
        case current
    }

    private func surroundings(of object: JudgedObject, _ knowledge: Knowledge) async throws -> Surroundings {
        async let namespace = find(ObjectKey(name: object.namespace), by: namespaces, knowledge)
        async let account = serviceAccount(of: object, knowledge)
        return Surroundings(namespace: try await namespace?.metadata, account: try await account)
    }

    private func serviceAccount(of object: JudgedObject, _ knowledge: Knowledge) async throws -> ServiceAccount? {
        guard case .workload = object.content else { return nil }
        return try await find(object.subject.key, by: serviceAccounts, knowledge)
    }

    private func find<Resource>(
        _ key: ObjectKey, by lookup: ObjectLookup<Resource>, _ knowledge: Knowledge
    ) async throws -> Resource? {
        switch knowledge {
        case .known: try await lookup.find(key)
        case .current: try await lookup.read(key)
        }
    }

    private func judge(_ object: JudgedObject, in surroundings: Surroundings) -> Judgement {
        Judgement(
            of: object, account: surroundings.account, namespaceLabels: surroundings.namespace?.labels ?? [:],
            planner: planner)
    }

    private func errorsToRefuse(
        _ judgement: Judgement, _ policy: PolicyInForce, _ request: AdmissionRequest,
        replacing old: JudgedObject?, _ surroundings: Surroundings
    ) async throws -> [Finding] {
        guard policy.enforcement != nil, judgement.isConclusive, !judgement.errors.isEmpty else { return [] }
        guard request.operation == .update else { return judgement.errors }
        guard let old else { return [] }
        var former = surroundings
        if old.subject != judgement.subject { former.account = try await serviceAccount(of: old, .known) }
        return judgement.errors(since: judge(old, in: former))
    }

    // MARK: Answers

    /// How many errors a refusal lists. People mend a few at a time.
    private static let listedErrors = 20

    private func answer(
        _ object: JudgedObject, _ judgement: Judgement, _ policy: PolicyInForce, refused: [Finding]
    ) -> AdmissionResponse {
        let told =
            judgement.findings.filter { !refused.contains($0) } + policy.ownFindings
            + (judgement.isOfInterest ? policy.findings : [])
        // The worst first, since what is too long for the API server is cut off.
        let ordered =
            told.filter { $0.problem.severity == .error } + told.filter { $0.problem.severity == .warning }
        let warnings = ordered.map { "lanyard: \($0.message)" }
        guard let enforcement = policy.enforcement, !refused.isEmpty else { return .allowed(warnings: warnings) }
        return .refused(
            "\(object) is refused, because \(enforcement):\(list(refused.map(\.message)))", warnings: warnings)
    }

    private func list(_ messages: [String]) -> String {
        if messages.count == 1, let message = messages.first { return " \(message)" }
        let lines = messages.prefix(Self.listedErrors).enumerated().map { "\n\($0.offset + 1). \($0.element)" }
        let rest = messages.count - lines.count
        return lines.joined() + (rest > 0 ? "\nand \(rest) more" : "")
    }
}
