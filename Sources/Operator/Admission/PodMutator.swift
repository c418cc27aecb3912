public import AdmissionWebhook
public import CoreMetrics
internal import JSON
public import KubernetesClient
internal import KubernetesModel
public import PodInjection
internal import WorkloadIdentity

/// Injects credentials into pods as they are created, and into ephemeral containers as they are attached.
public struct PodMutator: AdmissionHandler {
    private let planner: Planner
    private let serviceAccounts: ObjectLookup<ServiceAccount>
    private let metrics: InjectionMetrics

    public init(
        planner: Planner, client: KubernetesClient, metrics factory: any MetricsFactory = NOOPMetricsHandler.instance
    ) {
        self.planner = planner
        metrics = InjectionMetrics(factory)
        serviceAccounts = ObjectLookup(planner.stores.serviceAccounts, client)
    }

    public func review(
        _ request: AdmissionRequest, of pod: PodManifest?, replacing oldPod: PodManifest?
    ) async throws -> AdmissionResponse {
        switch Question(request, of: pod, replacing: oldPod) {
        case .none: return .allowed()
        case .mirrorPod(let pod): return answer(request, aboutMirrorPod: pod)
        case .pod(let pod, let earlier):
            let account = try await serviceAccounts.find(Subject(of: pod, in: request.namespace).key)
            return answer(request, about: pod, before: earlier, of: account)
        }
    }

    public func promptReview(
        _ request: AdmissionRequest, of pod: PodManifest?, replacing oldPod: PodManifest?
    ) -> AdmissionResponse? {
        switch Question(request, of: pod, replacing: oldPod) {
        case .none: .allowed()
        case .mirrorPod(let pod): answer(request, aboutMirrorPod: pod)
        case .pod(let pod, let earlier):
            serviceAccounts.known(Subject(of: pod, in: request.namespace).key).map {
                answer(request, about: pod, before: earlier, of: $0)
            }
        }
    }

    /// What a review is about.
    private enum Question {
        case none
        case mirrorPod(PodManifest)
        /// A pod that is created; or one that runs, as it was before a container was attached.
        case pod(PodManifest, before: PodManifest?)

        init(_ request: AdmissionRequest, of pod: PodManifest?, replacing oldPod: PodManifest?) {
            guard request.resource.group.isEmpty, request.resource.resource == "pods", let pod else {
                self = .none
                return
            }
            switch (request.subResource, request.operation, oldPod) {
            case ("", .create, _): self = pod.isMirrorPod ? .mirrorPod(pod) : .pod(pod, before: nil)
            case ("ephemeralcontainers", .update, let oldPod?): self = .pod(pod, before: oldPod)
            default: self = .none
            }
        }
    }

    private func answer(
        _ request: AdmissionRequest, about pod: PodManifest, before earlier: PodManifest?, of account: ServiceAccount?
    ) -> AdmissionResponse {
        guard let earlier else { return recordingDenial(reviewCreation(request, of: pod, account), of: pod, request) }
        return reviewAttachment(request, to: pod, before: earlier, account)
    }

    private func answer(_ request: AdmissionRequest, aboutMirrorPod pod: PodManifest) -> AdmissionResponse {
        recordingDenial(reviewMirrorPod(request, pod), of: pod, request)
    }

    private func recordingDenial(
        _ response: AdmissionResponse, of pod: PodManifest, _ request: AdmissionRequest
    ) -> AdmissionResponse {
        guard !response.allowed, response.record == nil else { return response }
        var response = response
        let subject = Subject(of: pod, in: request.namespace)
        response.record = AdmissionRecord("admission denied", InjectionRecord.fields(of: pod, as: subject))
        return response
    }

    private func reviewCreation(
        _ request: AdmissionRequest, of pod: PodManifest, _ account: ServiceAccount?
    ) -> AdmissionResponse {
        let subject = Subject(of: pod, in: request.namespace)
        let review = ObjectReview(
            ofPod: pod, in: request.namespace, account: account, jitter: LifetimeJitter(reviewUID: request.uid),
            configuration: planner.configuration
        ) { account, pod in
            planner.plan(for: subject, account, pod: pod)
        }
        if let denial = review.denial {
            let rest = review.findings.filter { !denial.contains($0.problem.message) }
            return AdmissionResponse.refused(denial, warnings: warnings(rest.map(\.problem)))
                .recorded(as: review.injection.map { InjectionRecord(denying: $0.plan) }, of: pod, request, by: metrics)
        }
        var response = AdmissionResponse.allowed(
            patch: review.patch, warnings: warnings(review.findings.map(\.problem)))
        if let exemption = review.exemption { response.warnings.append(warning("nothing is injected: \(exemption)")) }
        guard let (plan, injection) = review.injection, plan.exemption == nil else { return response }
        return response.auditing(injection.injected)
            .recorded(as: InjectionRecord(of: plan, injection), of: pod, request, by: metrics)
    }

    /// A static pod, as its node shows it to the API server; or one that only says so, to be left alone.
    ///
    /// The API server permits no ServiceAccount and no token in such a pod, whoever makes it:
    /// https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
    private func reviewMirrorPod(_ request: AdmissionRequest, _ pod: PodManifest) -> AdmissionResponse {
        guard !request.isByNode else { return .allowed() }
        let reason = """
            the pod is annotated kubernetes.io/config.mirror, which is for nodes alone to write: it can have no credentials, so \
            nothing is injected; remove the annotation
            """
        if PodContext(pod: pod).requiresInjection { return .refused(reason) }
        return .allowed(patch: .emptyingStamps(of: pod), warnings: [warning(reason)])
    }

    /// A pod that runs is never denied: whether it may is past, and who attaches a container is looking for what is wrong.
    private func reviewAttachment(
        _ request: AdmissionRequest, to pod: PodManifest, before old: PodManifest, _ account: ServiceAccount?
    ) -> AdmissionResponse {
        let subject = Subject(of: pod, in: request.namespace)
        guard let account else { return .allowed() }
        let plan = planner.plan(
            for: subject, account,
            pod: PodContext(pod: pod, serviceAccountMounts: account.automountServiceAccountToken))
        let injection = Injection(of: plan, intoEphemeralContainersOf: pod, before: old)
        // The plan's own problems were said when the pod was created.
        return AdmissionResponse.allowed(patch: injection.patch, warnings: warnings(injection.problems))
            .auditing(injection.injected)
            .recorded(as: InjectionRecord(attaching: injection), of: pod, request, by: metrics)
    }

    // MARK: Answers

    /// The worst first, since what is too long for the API server is cut off.
    private func warnings(_ problems: [Problem]) -> [String] {
        let errors = problems.filter { $0.severity == .error }
        return (errors + problems.filter { $0.severity == .warning }).map { warning($0.sentence) }
    }

    private func warning(_ message: String) -> String { "lanyard: \(message)" }
}

extension AdmissionResponse {
    /// With a note for the API server's audit log, if anything is injected.
    fileprivate func auditing(_ injected: [(provider: ProviderName, mechanism: Mechanism)]) -> AdmissionResponse {
        guard !injected.isEmpty else { return self }
        var response = self
        response.auditAnnotations["injected"] = injected.map { "\($0.provider)=\($0.mechanism)" }
            .joined(separator: ",")
        return response
    }

    /// Counts what became of the providers, and has it logged. A dry run is not counted: nothing comes of it.
    fileprivate func recorded(
        as record: InjectionRecord?, of pod: PodManifest, _ request: AdmissionRequest, by metrics: InjectionMetrics
    ) -> AdmissionResponse {
        guard let record else { return self }
        if !request.dryRun { metrics.count(record) }
        var response = self
        response.record = record.line(of: pod, as: Subject(of: pod, in: request.namespace))
        return response
    }
}
