public import AdmissionWebhook
public import KubernetesClient
internal import KubernetesModel
public import PodInjection
internal import WorkloadIdentity

/// Validates ServiceAccounts and workloads as they are applied.
///
/// Every problem is a warning, all at once. Where the policy is `enforce`, errors are denied, if this very operation brings
/// them: an object that had them before can still be scaled, fixed in part and deleted. What cannot be reviewed goes ahead.
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
        guard let object = object.flatMap({ AppliedObject($0, appliedBy: request) }) else { return .allowed() }
        var surroundings = try await surroundings(of: object, .known)
        var review = review(object, in: surroundings)
        if !review.findings.errors.isEmpty {
            // What is wrong may have been fixed in the same apply, and the watch has not told of it yet.
            surroundings = try await self.surroundings(of: object, .current)
            review = self.review(object, in: surroundings)
        }
        let old = oldObject.flatMap { AppliedObject($0, replacedBy: request) }
        let denied = try await errorsToDeny(review, of: object, request, replacing: old, surroundings)
        return answer(object, review, denied: denied)
    }

    // MARK: Reviews

    /// What an object is seen together with.
    private struct Surroundings {
        var namespace: ObjectMetadata?
        /// Of a workload; `nil` if there is none.
        var account: ServiceAccount?
    }

    private enum Knowledge {
        /// As the stores have it; what they do not have is read.
        case known
        /// All is read again.
        case current
    }

    private func surroundings(of object: AppliedObject, _ knowledge: Knowledge) async throws -> Surroundings {
        async let namespace = find(ObjectKey(name: object.namespace), by: namespaces, knowledge)
        async let account = serviceAccount(of: object, knowledge)
        return Surroundings(namespace: try await namespace?.metadata, account: try await account)
    }

    private func serviceAccount(of object: AppliedObject, _ knowledge: Knowledge) async throws -> ServiceAccount? {
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

    private func review(_ object: AppliedObject, in surroundings: Surroundings) -> ObjectReview {
        let subject = object.subject
        let labels = surroundings.namespace?.labels ?? [:]
        return ObjectReview(
            of: object, namespace: surroundings.namespace, account: surroundings.account,
            configuration: planner.configuration
        ) { account, pod in
            planner.plan(for: subject, account, pod: pod, namespaceLabels: labels)
        }
    }

    private func errorsToDeny(
        _ review: ObjectReview, of object: AppliedObject, _ request: AdmissionRequest,
        replacing old: AppliedObject?, _ surroundings: Surroundings
    ) async throws -> [Finding] {
        let errors = review.findings.errors
        guard review.enforcement != nil, review.isConclusive, !errors.isEmpty else { return [] }
        guard request.operation == .update else { return errors }
        guard let old else { return [] }
        var former = surroundings
        if old.subject != object.subject { former.account = try await serviceAccount(of: old, .known) }
        return review.errors(since: self.review(old, in: former))
    }

    // MARK: Answers

    /// How many errors a denial lists. People fix a few at a time.
    private static let listedErrors = 20

    private func answer(_ object: AppliedObject, _ review: ObjectReview, denied: [Finding]) -> AdmissionResponse {
        // The worst first, since what is too long for the API server is cut off.
        let told = review.findings.filter { !denied.contains($0) }.warnings
        let warnings = told.map { "lanyard: \($0.message)" }
        guard let enforcement = review.enforcement, !denied.isEmpty else { return .allowed(warnings: warnings) }
        return .refused(
            "\(object) is denied, because \(enforcement):\(list(denied.map(\.message)))", warnings: warnings)
    }

    private func list(_ messages: [String]) -> String {
        if messages.count == 1, let message = messages.first { return " \(message)" }
        let lines = messages.prefix(Self.listedErrors).enumerated().map { "\n\($0.offset + 1). \($0.element)" }
        let rest = messages.count - lines.count
        return lines.joined() + (rest > 0 ? "\nand \(rest) more" : "")
    }
}
