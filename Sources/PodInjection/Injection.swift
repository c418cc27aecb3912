public import JSON
public import WorkloadIdentity

/// What a plan changes in one pod: a patch against the JSON that arrived, and what people should know about it.
///
/// Nothing of the pod is decoded and encoded again, so a field that this release has never heard of stays as it is.
/// Applied to its own result an injection changes nothing.
public struct Injection: Sendable {
    public private(set) var patch = JSONPatch()
    public private(set) var problems: [Problem] = []
    /// The bindings that are in the pod once the patch has been applied.
    public private(set) var injected: [(provider: ProviderName, mechanism: Mechanism)] = []
    /// The bindings of which the pod has nothing, neither from the patch nor by itself.
    public private(set) var leftOut: [(provider: ProviderName, mechanism: Mechanism)] = []
    /// The providers of which a container that is meant to have the credential has none that can work.
    public private(set) var lacking: Set<ProviderName> = []

    /// What the pod will say of itself.
    public var stamp: PodStamp {
        guard pod.isWellFormed, let hash = plan.hash else { return PodStamp() }
        var stamp = PodStamp(plan: hash, problems: problems.map { "\($0.reason): \($0.message)" })
        for (provider, _) in plan.outcomes where stamp[provider] == nil {
            let mechanisms = injected.filter { $0.provider == provider }.map(\.mechanism)
            let delivery: PodStamp.Delivery =
                lacking.contains(provider) ? .lacking : mechanisms.isEmpty ? .own : .injected(mechanisms)
            stamp.deliveries.append((provider, delivery))
        }
        return stamp
    }

    /// Whether the pod has all of it already, but for stamps: so it is in every pod that a webhook has seen.
    public var isInPlace: Bool { pod.isWellFormed && !pod.isAddedTo }

    private let plan: Plan
    private let podPointer: JSONPointer
    private let jitter: LifetimeJitter?
    private var pod: PodDraft
    /// The problems as a set.
    private var reported: Set<Problem> = []
    /// For annotations that list containers: the served ones' indices.
    private var listed: [String: Set<Int>] = [:]

    /// - Parameters:
    ///   - pod: a pod, or the template of a workload's pods.
    ///   - pointer: where the pod stands in the text to be patched: `/spec/template` for a Deployment.
    ///   - jitter: where in their range the lifetimes of tokens fall; `nil` for the longest, in a manifest.
    ///   - configuration: of what pods get that try their trust; `nil`: none gets that.
    public init(
        of plan: Plan, into pod: PodManifest, at pointer: JSONPointer = JSONPointer(), jitter: LifetimeJitter? = nil,
        configuration: Configuration? = nil
    ) {
        self.init(of: plan, draft: PodDraft(pod), at: pointer, jitter: jitter)
        add(plan.outcomes, to: pod)
        self.pod.stamp(stamp)
        if let configuration, AnnotationKey.asksForTrial(pod.annotations) { addTrial(to: pod, configuration) }
        patch = self.pod.patch(at: podPointer)
    }

    private mutating func add(
        _ outcomes: [(provider: ProviderName, outcome: Binding.Outcome)], to pod: PodManifest
    ) {
        guard !outcomes.isEmpty else { return }
        guard self.pod.isWellFormed else {
            let what =
                pod.excess?.description ?? "the pod has no spec.containers, or something in it is not of its type"
            problems = [.warning(.malformedPod, "\(what), so nothing is injected")]
            leftOut = outcomes.map { ($0.provider, $0.outcome.mechanism) }
            lacking = Set(leftOut.map(\.provider))
            return
        }
        reportUnknownContainers(outcomes)
        for (provider, outcome) in outcomes {
            switch add(outcome, of: provider) {
            case .injected: injected.append((provider, outcome.mechanism))
            case .leftOut:
                leftOut.append((provider, outcome.mechanism))
                lacking.insert(provider)
            case .own: break
            }
        }
        listContainers()
    }

    private mutating func addTrial(to pod: PodManifest, _ configuration: Configuration) {
        guard pod.isWellFormed, plan.exemption == nil else { return }
        let key = AnnotationKey.verify.name
        let container = TrialContainer(of: plan, configuration, onNodeNetwork: pod.usesHostNetwork)
        if let obstacle = Self.obstacle(to: plan, configuration, in: pod, container) {
            report(.warning(.noEffect, "\(key) has no effect: \(obstacle)", field: key))
        } else if let container {
            self.pod.add(container, inManifest: jitter == nil)
        }
    }

    init(of plan: Plan, draft: PodDraft, at pointer: JSONPointer = JSONPointer(), jitter: LifetimeJitter? = nil) {
        self.plan = plan
        podPointer = pointer
        self.jitter = jitter
        pod = draft
    }

    // MARK: Containers of a running pod

    /// Gives each binding that the pod has to the draft's containers.
    mutating func addToAttachedContainers() {
        guard pod.isWellFormed, !pod.containers.isEmpty else { return }
        for (provider, outcome) in plan.outcomes where addToAttachedContainers(outcome, of: provider) {
            injected.append((provider, outcome.mechanism))
        }
        patch = pod.patch(at: podPointer)
    }

    private mutating func addToAttachedContainers(_ outcome: Binding.Outcome, of provider: ProviderName) -> Bool {
        let addition = outcome.addition
        guard !addition.groups.isEmpty || addition.volume?.mountPath != nil else { return false }
        guard hasFiles(of: addition) else {
            report(
                .warning(
                    .podTooOld,
                    """
                    \(provider): a running pod gets no volume, and this one has none of \(outcome.mechanism) as it would \
                    be made now, so \(provider) is left out; create the pod again
                    """,
                    provider: provider))
            return false
        }
        let edits = containerEdits(outcome, of: provider).filter(\.isServed)
        for edit in edits { pod.apply(edit) }
        return !edits.isEmpty
    }

    /// Whether the pod has the volume of a binding, and what the volume shows.
    private func hasFiles(of addition: PodAddition) -> Bool {
        guard let volume = addition.volume, volume.mountPath != nil else { return true }
        guard pod.volume(named: volume.name).map(volume.matches) == true else { return false }
        let shown = addition.annotations.first { $0.name == volume.shownAnnotation }
        return shown.map { pod.annotation($0.name) == $0.value } ?? true
    }

    // MARK: Bindings

    private enum Result {
        case injected
        /// The containers have an identity of their own for the provider.
        case own
        case leftOut
    }

    /// Adds one binding, whole or not at all.
    private mutating func add(_ outcome: Binding.Outcome, of provider: ProviderName) -> Result {
        let addition = outcome.addition
        if let volume = addition.volume, let other = pod.volume(named: volume.name), !volume.matches(other) {
            report(
                .error(
                    .volumeNameTaken,
                    """
                    \(provider): the pod has a volume \(volume.name) of other content, so nothing is injected; \
                    rename that volume
                    """,
                    provider: provider))
            return .leftOut
        }
        guard mayAnnotate(addition, of: provider) else { return .leftOut }

        let edits = containerEdits(outcome, of: provider)
        let isForContainers = !addition.groups.isEmpty || addition.volume?.mountPath != nil
        let isListed = addition.containerList != nil
        if isListed, !edits.isEmpty, !edits.contains(where: { pod.containers[$0.index].list == .containers }) {
            report(
                .warning(
                    .noEffect,
                    """
                    \(provider): only init containers are meant, which \(outcome.mechanism) does not serve alone, so \
                    \(provider) is left out
                    """,
                    provider: provider))
            return .leftOut
        }
        let isLacking = edits.contains { $0.result == .lacking }
        if isLacking { lacking.insert(provider) }
        guard edits.contains(where: \.isServed) || !isForContainers && !isListed else {
            return isLacking || edits.isEmpty ? .leftOut : .own
        }
        for edit in edits { pod.apply(edit) }
        if let list = addition.containerList { listed[list, default: []].formUnion(edits.map(\.index)) }

        let volumeIsMounted = edits.contains { $0.mountPath != nil || $0.isMounted }
        if let volume = volume(of: addition), volume.mountPath == nil || volumeIsMounted { pod.addVolume(volume) }
        for annotation in addition.annotations {
            if annotation.owner == .user, pod.annotation(annotation.name) != nil { continue }
            if annotation.name == addition.volume?.shownAnnotation, !volumeIsMounted { continue }
            pod.annotate(annotation.name, annotation.value)
        }
        for label in addition.labels { pod.label(label.name, label.value) }
        return .injected
    }

    /// Whether the annotations of a binding can all be as they must.
    private mutating func mayAnnotate(_ addition: PodAddition, of provider: ProviderName) -> Bool {
        for annotation in addition.annotations where annotation.owner == .userForBinding {
            guard let present = pod.annotation(annotation.name), present != annotation.value else { continue }
            report(
                .warning(
                    .userValueKept,
                    """
                    \(provider): the pod's own \(annotation.name) is kept, and \(provider) is left out; remove it \
                    to let Lanyard set it
                    """,
                    field: annotation.name, provider: provider))
            return false
        }
        let isComplete = addition.annotations.allSatisfy { pod.annotation($0.name) != nil }
        if let mark = addition.readBy, pod.annotation(mark.annotation) == mark.value, !isComplete {
            report(
                .warning(
                    .annotatedTooLate,
                    """
                    \(provider): \(mark.reader) has been at this pod already (\(mark.annotation)) and will not \
                    read annotations again, so \(provider) is left out
                    """,
                    field: mark.annotation, provider: provider))
            return false
        }
        return true
    }

    /// A binding's volume as it is in this pod.
    private func volume(of addition: PodAddition) -> PodAddition.Volume? {
        addition.volume.map { jitter?.applied(to: $0) ?? $0 }
    }

    private mutating func containerEdits(_ outcome: Binding.Outcome, of provider: ProviderName) -> [ContainerEdit] {
        let volume = volume(of: outcome.addition)
        var edits: [ContainerEdit] = []
        edits.reserveCapacity(pod.containers.count)
        // What is decided for one container that says nothing of the binding holds for all of them.
        var usual: ContainerEdit?
        for (index, container) in pod.containers.enumerated() where outcome.serves(container.name) {
            let isIndifferent = !pod.hasCustomFolders && container.isIndifferent(to: outcome)
            if isIndifferent, let usual {
                edits.append(usual.moved(to: index))
                continue
            }
            let edit = ContainerEdit(outcome, of: provider, with: volume, at: index, in: pod)
            if isIndifferent, edit.problems.isEmpty { usual = edit }
            edit.problems.forEach { report($0) }
            pod.reserve(edit.files)
            edits.append(edit)
        }
        return edits
    }

    /// Tells another webhook which containers are meant, if not all are.
    private mutating func listContainers() {
        for (annotation, indices) in listed where pod.annotation(annotation) == nil {
            let all = pod.containers.indices.filter { pod.containers[$0].list == .containers }
            let names = all.filter(indices.contains).map { pod.containers[$0].name }
            if names.count < all.count { pod.annotate(annotation, names.joined(separator: ",")) }
        }
    }

    // MARK: Reports

    /// Nobody reads more. A pod may have as many as it has containers; of errors, a few for each binding.
    private static let mostWarnings = 100

    private mutating func report(_ problem: Problem) {
        guard problem.severity == .error || problems.count < Self.mostWarnings else { return }
        guard reported.insert(problem).inserted else { return }
        problems.append(problem)
    }

    private mutating func reportUnknownContainers(
        _ outcomes: [(provider: ProviderName, outcome: Binding.Outcome)]
    ) {
        let named = outcomes.flatMap { $0.outcome.namedContainers }
        guard !named.isEmpty else { return }
        let names = Set(pod.containers.map(\.name))
        let unknown = named.filter { !names.contains($0) }
        guard !unknown.isEmpty else { return }
        let listed = 20
        let present =
            names.sorted().prefix(listed).map(\.shortened).joined(separator: ", ")
            + (names.count > listed ? " and \(names.count - listed) more" : "")
        for name in unknown {
            report(
                .warning(
                    .unknownContainer,
                    "the pod has no container \"\(name.shortened)\", which an annotation names; it has \(present)"))
        }
    }
}
