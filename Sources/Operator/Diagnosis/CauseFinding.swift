internal import JSON
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// Finds whatever keeps a pod from its credentials.
struct CauseFinding {
    private(set) var causes: [Cause] = []

    private let observation: PodObservation
    private let pod: ObjectMetadata
    private let standing: PodStanding

    init(
        _ observation: PodObservation, _ plan: Plan?, _ injection: Injection?, _ standing: PodStanding,
        _ containers: [ContainerDiagnosis], _ states: [ContainerState]
    ) {
        self.observation = observation
        self.standing = standing
        pod = observation.metadata
        judgeServiceAccount()
        judgeStart(states)
        if let plan, let injection { judgeStanding(plan, injection, containers) }
        judgeTrials()
        judgeReport()
        judgeOperator()
    }

    private mutating func add(_ kind: Cause.Kind, _ message: String, next: String) {
        causes.append(Cause(kind, message, next: next))
    }

    // MARK: What it should have

    private mutating func judgeServiceAccount() {
        guard let subject = observation.subject else {
            add(
                .exempt, "a pod without a ServiceAccount, as static pods are, can have no token",
                next: "make it a DaemonSet")
            return
        }
        switch observation.account {
        case .found: break
        case .absent:
            add(
                .serviceAccountNotFound, "there is no \(subject), as which the pod runs",
                next: "kubectl get serviceaccounts -n \(subject.namespace)")
        case .unread:
            add(
                .notKnown, "\(subject) cannot be read, so it is not known what the pod should have",
                next: "kubectl auth can-i get serviceaccounts -n \(subject.namespace)")
        }
    }

    private mutating func judgeStanding(_ plan: Plan, _ injection: Injection, _ containers: [ContainerDiagnosis]) {
        switch standing {
        case .unknown: return
        case .exempt(let why):
            add(.exempt, "nothing is injected, since \(why)", next: "\(way(outOf: plan)), then \(remedy)")
            return
        case .notAsked:
            let problems = plan.problems.filter { $0.severity == .error }.map(\.message)
            let hints = containers.flatMap(\.hints)
            let why = problems.isEmpty ? hints : problems
            add(
                .notAsked,
                (["\(plan.subject) asks for no provider"] + why.prefix(2)).joined(separator: "; "),
                next: "lanyard explain PROVIDER \(plan.subject.qualifiedName)")
            return
        case .judged(.notInjected):
            let (message, first) = whyNotInjected
            add(.notInjected, message, next: first.map { "\($0); then \(remedy)" } ?? remedy)
        case .judged(.stale):
            add(
                .stale,
                "the pod was created before what it gets was changed: its credentials are those of an earlier plan",
                next: remedy)
        case .judged(.unknown): add(.earlierRelease, standing.text, next: remedy)
        case .judged(.current), .judged(.lacking), .judged(.unserved): break
        }
        for binding in plan.bindings where !binding.isReady {
            let errors = binding.problems.filter { $0.severity == .error }.map(\.message)
            guard !errors.isEmpty else { continue }
            add(.blocked, errors.joined(separator: "; "), next: "lanyard explain \(plan.subject.qualifiedName)")
        }
        judge(containers, injection)
    }

    /// Why nothing was injected into a pod that should have been, and what to do before it is created again.
    private var whyNotInjected: (message: String, first: String?) {
        let registered = "kubectl get mutatingwebhookconfigurations \(WebhookRegistration.podInjector.name)"
        if pod.planStamp != nil {
            return ("the pod lacks what its stamp says: it was not written by the webhook, but copied", nil)
        }
        if observation.pod["metadata"]?["annotations"]?["kubernetes.io/config.mirror"] != nil {
            return ("it is a static pod, which can have no token", "make it a DaemonSet")
        }
        if pod.namespace == "kube-system" {
            return ("no webhook of Lanyard is called in kube-system", "run it in another namespace")
        }
        switch observation.registration {
        case .absent:
            return ("Lanyard's webhook is not registered, so nothing is injected into any pod", registered)
        case .found(let registration) where !registration.isTrusted:
            return ("Lanyard's webhook is registered without the certificates that the API server needs", registered)
        case .found(let registration):
            if let made = pod.creationTimestamp, let created = registration.created, made < created {
                return ("the pod was created before Lanyard's webhook was registered, at \(created)", nil)
            }
        case .unread: break
        }
        if let made = pod.creationTimestamp, let changed = observation.accountChanged, made < changed {
            return (
                "the pod was created without injection; its ServiceAccount was changed after that, at \(changed)", nil
            )
        }
        let away = observation.isOperatorAlive == false
        return (
            "the pod was created without injection: most likely no replica of Lanyard answered then"
                + (away ? ", and none does now" : ""),
            away ? "kubectl get pods -n \(observation.operatorNamespace)" : nil
        )
    }

    private func way(outOf plan: Plan) -> String {
        let subject = plan.subject
        if observation.configuration.namespaces.exclude.contains(subject.namespace) {
            return "take \(subject.namespace) out of namespaces.exclude of the operator's configuration"
        }
        if observation.namespaceLabels?[Plan.injectKey] == "false" {
            return "kubectl label namespace \(subject.namespace) \(Plan.injectKey)-"
        }
        if pod.labels[Plan.injectKey] == "false" || pod.annotations[Plan.injectKey] == "false" {
            return "remove \(Plan.injectKey) from the pod's template"
        }
        return "kubectl annotate serviceaccount \(subject.serviceAccount) -n \(subject.namespace) \(Plan.injectKey)-"
    }

    // MARK: Containers

    private mutating func judge(_ containers: [ContainerDiagnosis], _ injection: Injection) {
        // What is wrong with all containers of a pod that nothing was injected into is that.
        let isInjected = standing != .judged(.notInjected)
        // What the plan would add now, a pod with an earlier one need not have.
        let isOfPlan = isInjected && pod.planStamp == injection.stamp.plan
        let ofPod = isOfPlan ? injection.problems.filter { !$0.isOfContainer && injection.lacks($0.provider) } : []
        for problem in ofPod {
            add(.noCredential, problem.message, next: "change the pod's template, then \(remedy)")
        }
        for container in containers {
            for choice in container.choices {
                let title = "\(choice.provider): container \(container.name)"
                switch choice.winner {
                case .nothing
                where isInjected && (isOfPlan || !choice.isIncomplete)
                    && !ofPod.contains(where: { $0.provider == choice.provider }):
                    add(.noCredential, "\(title): \(choice.reason)", next: "change the pod's template, then \(remedy)")
                case .storedCredential:
                    add(.storedCredential, "\(title): \(choice.reason)", next: removal(choice, container.name))
                case .ownIdentity:
                    add(
                        .doubt, "\(title) has another identity: \(choice.reason)",
                        next: "compare it with what the provider trusts")
                case .identity, .nothing: break
                }
                guard isInjected else { continue }
                for doubt in choice.doubts {
                    add(.doubt, "\(title): \(doubt)", next: "look whether it is meant")
                }
            }
            for hint in container.hints { add(.doubt, hint, next: "look whether it is meant") }
        }
    }

    /// What takes variables away that win over the identity.
    private func removal(_ choice: CredentialChoice, _ container: String) -> String {
        let named = choice.variables.filter { choice.reason.contains($0.name) && !$0.value.isEmpty }.map(\.name)
        let containers = ["initContainers", "containers"].flatMap { observation.pod["spec"]?[$0]?.array ?? [] }
        let own = containers.first { $0["name"]?.string == container }?["env"]?.array ?? []
        let isWritten = named.allSatisfy { name in own.contains { $0["name"]?.string == name } }
        guard isWritten, !named.isEmpty else {
            return "take \(named.joined(separator: " and ")) out of what envFrom names, then \(remedy)"
        }
        guard let origin = observation.origin,
            [.deployment, .daemonSet, .statefulSet].contains(origin.workloadKind)
        else { return "take \(named.joined(separator: " and ")) out of the pod's template, then \(remedy)" }
        return "kubectl set env \(origin.kind.lowercased())/\(origin.name) -n \(pod.namespace ?? "") -c \(container) "
            + named.map { "\($0)-" }.joined(separator: " ")
    }

    // MARK: The pod's start

    private mutating func judgeStart(_ states: [ContainerState]) {
        let describe = "kubectl describe pod \(pod.name) -n \(pod.namespace ?? "")"
        let conditions = observation.pod["status"]?["conditions"]?.array ?? []
        let scheduling = conditions.first { $0["type"]?.string == "PodScheduled" && $0["status"]?.string == "False" }
        if let scheduling {
            add(
                .unschedulable,
                "no node takes the pod: \((scheduling["message"]?.string ?? "").shortened(to: 300))", next: describe)
        }
        for state in states {
            if let waiting = state.waiting, !ContainerState.usual.contains(waiting.reason) {
                if waiting.reason != ContainerState.crashed {
                    add(.notStarted, "container \(state.name) \(state.text)", next: describe)
                    continue
                }
            }
            guard let ended = state.ended, ended.code != 0 else { continue }
            let log = "kubectl logs \(pod.name) -n \(pod.namespace ?? "") -c \(state.name)"
            if ended.reason == "OOMKilled" {
                add(
                    .outOfMemory,
                    "container \(state.name) was killed for lack of memory; credentials have no part in it",
                    next: describe)
            } else if state.restarts > 0 || !state.isRunning {
                let isOver = state.waiting == nil && !state.isRunning
                add(
                    .restarts, "container \(state.name) \(state.text): its log says why",
                    next: isOver ? log : "\(log) --previous")
            }
        }
        let hasStarted = states.contains { $0.isRunning || $0.ended != nil }
        let mount = observation.events.first {
            $0.isWarning && ["FailedMount", "FailedCreatePodSandBox"].contains($0.reason)
        }
        if let mount, !hasStarted {
            add(.notStarted, "\(mount.reason): \(mount.message.shortened(to: 300))", next: describe)
        }
    }

    // MARK: The trust

    private mutating func judgeTrials() {
        guard let subject = observation.subject else { return }
        for trial in observation.trials ?? [] where trial.verdict.isDenial {
            add(
                .notTrusted, "\(trial.provider): \(trial.verdict.reason): \(trial.verdict.message)",
                next: trial.verdict.fix ?? "lanyard explain \(trial.provider) \(subject.qualifiedName)")
        }
    }

    // MARK: The operator

    /// What the operator says of the ServiceAccount's providers, if that is not seen from the pod: such as a Secret that was
    /// not fetched.
    private mutating func judgeReport() {
        guard let report = observation.report, let subject = observation.subject, observation.isOperatorAlive != false
        else { return }
        for provider in report.status["providers"]?.array ?? [] where provider["ready"]?.bool == false {
            let message = provider["message"]?.string ?? ""
            guard !message.isEmpty, !causes.contains(where: { $0.message.contains(message) }) else { continue }
            let name = provider["name"]?.string ?? ""
            add(
                .reported, message.hasPrefix(name) ? message : "\(name): \(message)",
                next: "lanyard status \(subject.serviceAccount) -n \(subject.namespace)")
        }
    }

    private mutating func judgeOperator() {
        guard observation.isOperatorAlive == false, standing != .judged(.notInjected) else { return }
        add(
            .operatorAway, "no operator is alive, so pods that are created now get nothing",
            next: "kubectl get pods -n \(observation.operatorNamespace)")
    }

    // MARK: Words

    /// What has the pod created again.
    private var remedy: String { PodRemedy([(pod, observation.origin)]).text }
}

extension Problem {
    fileprivate var isOfContainer: Bool { if case .container = place { true } else { false } }
}

extension Injection {
    fileprivate func lacks(_ provider: ProviderName?) -> Bool { provider.map(lacking.contains) ?? false }
}

extension ContainerState {
    /// Reasons to wait that mean nothing.
    fileprivate static let usual = ["", "ContainerCreating", "PodInitializing"]
    fileprivate static let crashed = "CrashLoopBackOff"
}
