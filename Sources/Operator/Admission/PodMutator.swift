public import AdmissionWebhook
internal import JSON
public import KubernetesClient
internal import KubernetesModel
public import PodInjection
internal import WorkloadIdentity

/// Injects credentials into pods as they are created, and into ephemeral containers as they are attached.
public struct PodMutator: AdmissionHandler {
    private let planner: Planner
    private let serviceAccounts: ObjectLookup<ServiceAccount>

    public init(planner: Planner, client: KubernetesClient) {
        self.planner = planner
        serviceAccounts = ObjectLookup(planner.stores.serviceAccounts, client)
    }

    public func review(
        _ request: AdmissionRequest, of pod: PodManifest?, replacing oldPod: PodManifest?
    ) async throws -> AdmissionResponse {
        guard request.resource.group.isEmpty, request.resource.resource == "pods", let pod else { return .allowed() }
        switch (request.subResource, request.operation, oldPod) {
        case ("", .create, _) where pod.isMirrorPod: return reviewMirrorPod(request, pod)
        case ("", .create, _): return try await reviewCreation(request, of: pod)
        case ("ephemeralcontainers", .update, let oldPod?):
            return try await reviewAttachment(request, to: pod, before: oldPod)
        default: return .allowed()
        }
    }

    private func reviewCreation(_ request: AdmissionRequest, of pod: PodManifest) async throws -> AdmissionResponse {
        let subject = Subject(of: pod, in: request.namespace)
        guard let account = try await serviceAccounts.find(subject.key) else {
            let message = "\(subject) does not exist, so nothing is injected; create it, and then the pod anew"
            return answerUninjected(pod, message)
        }
        let context = PodContext(pod: pod, serviceAccountMounts: account.automountServiceAccountToken)
        let plan = planner.plan(for: subject, account, pod: context)
        let injection = Injection(of: plan, into: pod, jitter: LifetimeJitter(reviewUID: request.uid))

        if let unmet = UnmetRequirement(of: context, plan: plan, injection: injection) {
            return .refused(unmet.refusal)
        }
        if let exemption = plan.exemption {
            return .allowed(
                patch: injection.patch,
                warnings: plan.bindings.isEmpty ? [] : [warning("nothing is injected: \(exemption)")])
        }
        return answer(injection, plan.problems + injection.problems)
    }

    /// A static pod, as its node shows it to the API server; or one that only says so, to be left alone.
    ///
    /// The API server permits no ServiceAccount and no token in such a pod, whoever makes it:
    /// https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
    private func reviewMirrorPod(_ request: AdmissionRequest, _ pod: PodManifest) -> AdmissionResponse {
        guard !request.isByNode else { return .allowed() }
        return answerUninjected(
            pod,
            """
            the pod is annotated kubernetes.io/config.mirror, which is for nodes alone to write: it can have no credentials, so \
            nothing is injected; remove the annotation
            """)
    }

    /// A pod that gets nothing, whatever it asks for.
    private func answerUninjected(_ pod: PodManifest, _ reason: String) -> AdmissionResponse {
        if PodContext(pod: pod).requiresInjection { return .refused(reason) }
        return .allowed(patch: .emptyingStamps(of: pod), warnings: [warning(reason)])
    }

    /// A pod that runs is never refused: whether it may is past, and who attaches a container is looking for what is wrong.
    private func reviewAttachment(
        _ request: AdmissionRequest, to pod: PodManifest, before old: PodManifest
    ) async throws -> AdmissionResponse {
        let subject = Subject(of: pod, in: request.namespace)
        guard let account = try await serviceAccounts.find(subject.key) else { return .allowed() }
        let plan = planner.plan(
            for: subject, account,
            pod: PodContext(pod: pod, serviceAccountMounts: account.automountServiceAccountToken))
        let injection = Injection(of: plan, intoEphemeralContainersOf: pod, before: old)
        // The plan's own problems were said when the pod was created.
        return answer(injection, injection.problems)
    }

    // MARK: Answers

    private func answer(_ injection: Injection, _ problems: [Problem]) -> AdmissionResponse {
        // The worst first, since what is too long for the API server is cut off.
        let ordered = problems.filter { $0.severity == .error } + problems.filter { $0.severity == .warning }
        var response = AdmissionResponse.allowed(
            patch: injection.patch, warnings: ordered.map { warning($0.sentence) })
        if !injection.injected.isEmpty {
            let bindings = injection.injected.map { "\($0.provider)=\($0.mechanism)" }
            response.auditAnnotations["injected"] = bindings.joined(separator: ",")
        }
        return response
    }

    private func warning(_ message: String) -> String { "lanyard: \(message)" }
}
