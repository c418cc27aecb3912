internal import JSON
internal import KubernetesModel
internal import PodInjection
public import WorkloadIdentity

/// What the init container `lanyard-verify` of a pod says of the pod's trust.
struct PodTrialReading {
    /// One for each exchange, and for what is not exchanged, as `lanyard verify` would have them.
    let results: [TrialResult]
    /// When it ended.
    let time: Timestamp?

    enum State {
        /// The pod has none that is just as Lanyard would add it now, and so can be believed.
        case absent
        case running
        case ended(PodTrialReading)
    }

    /// - Parameter plan: of the pod.
    static func state(of pod: JSONValue, _ plan: Plan, _ configuration: Configuration) -> State {
        let containers = pod["spec"]?["initContainers"]?.array ?? []
        guard let expected = TrialContainer(of: plan, configuration),
            containers.contains(where: { expected.matches($0) })
        else { return .absent }
        let status = pod["status"]?["initContainerStatuses"]?.array?.first {
            $0["name"]?.string == TrialContainer.name
        }
        guard let end = status?["state"]?["terminated"] else { return .running }
        let message = end["message"]?.string ?? ""
        let said =
            expected.trial.verdicts(inMessage: message, of: plan.subject)
            ?? expected.trial.entries.map { _ in .unreadable(end["exitCode"]?.integer) }
        let hasMesh = pod.hasMesh
        return .ended(
            PodTrialReading(
                results: plan.results(of: said.map { hasMesh ? $0.behindMesh : $0 }, configuration),
                time: end["finishedAt"]?.string.flatMap { Timestamp($0) }))
    }
}

extension JSONValue {
    /// Whether a proxy that starts only after the pod's init containers takes all that they send. One that is an init container
    /// itself runs before.
    fileprivate var hasMesh: Bool {
        (self["spec"]?["containers"]?.array ?? []).contains {
            ["istio-proxy", "linkerd-proxy"].contains($0["name"]?.string)
        }
    }
}

extension Verdict {
    fileprivate static func unreadable(_ exitCode: Int?) -> Verdict {
        .unknown(
            "ResultUnreadable",
            """
            the init container \(TrialContainer.name) ended\(exitCode.map { " with code \($0)" } ?? "") and left no result \
            that can be read; see its state and its log
            """)
    }

    fileprivate var behindMesh: Verdict {
        guard outcome == .failed, ["Unreachable", "TimedOut", "TLSFailed"].contains(reason) else { return self }
        return .unknown(
            "NoEgressInInit",
            """
            a service mesh takes what init containers send, and its proxy starts after them; lanyard verify tries it from \
            elsewhere
            """)
    }
}

extension Plan {
    /// All that `lanyard verify` would list, with what a pod says of the exchanges.
    ///
    /// - Parameter verdicts: one for each entry of the ``PodTrial``.
    fileprivate func results(of verdicts: [Verdict], _ configuration: Configuration) -> [TrialResult] {
        var verdicts = verdicts.makeIterator()
        var results: [TrialResult] = []
        for binding in bindings {
            if binding.isBlocked {
                let messages = binding.problems.filter { $0.severity == .error }.map(\.message)
                results.append(
                    TrialResult(
                        provider: binding.provider,
                        verdict: .failed("NoUsableMechanism", messages.joined(separator: "; "))))
            }
            for outcome in binding.outcomes {
                // By the names that the operator's own trials have.
                let identities = outcome.trials(for: binding.provider, configuration).map(\.exchange?.identity)
                let trials = outcome.trials(for: binding.provider, configuration, inPod: true)
                for (index, trial) in trials.enumerated() {
                    let identity = index < identities.count ? identities[index] : nil
                    results.append(
                        TrialResult(
                            provider: binding.provider, mechanism: outcome.mechanism,
                            identity: identity ?? outcome.trust.identity,
                            verdict: trial.verdict ?? verdicts.next() ?? .tooMany))
                }
            }
        }
        return results
    }
}

extension Trial {
    fileprivate var exchange: Exchange? { if case .exchange(let exchange) = self { exchange } else { nil } }
    fileprivate var verdict: Verdict? { if case .verdict(let verdict) = self { verdict } else { nil } }
}

extension Verdict {
    fileprivate static let tooMany = unknown(
        "NotTried", "a pod tries no more than \(PodTrial.mostEntries) exchanges")
}
