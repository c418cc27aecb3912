internal import JSON
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// What the init container `lanyard-verify` of a pod says of the pod's trust.
struct PodTrialReading {
    /// One for each exchange, and for what is not exchanged, as `lanyard verify` would have them.
    let results: [TrialResult]
    /// When it ended.
    let time: Timestamp?

    enum State {
        /// The pod has none that Lanyard can have added.
        case absent
        case running
        case ended(PodTrialReading)
    }

    /// - Parameter plan: of the pod.
    static func state(of pod: JSONValue, _ plan: Plan, _ configuration: Configuration) -> State {
        let isOnNodeNetwork = pod["spec"]?["hostNetwork"]?.bool == true
        let containers = pod["spec"]?["initContainers"]?.array ?? []
        guard let expected = TrialContainer(of: plan, configuration, onNodeNetwork: isOnNodeNetwork),
            let container = containers.first(where: { TrialContainer.isOne($0) })
        else { return .absent }
        let status = pod["status"]?["initContainerStatuses"]?.array?.first {
            $0["name"]?.string == TrialContainer.name
        }
        // One that is to run again, after its node or itself has failed, has ended before.
        guard let end = status?["state"]?["terminated"] ?? status?["lastState"]?["terminated"] else { return .running }
        let said: [Verdict]
        if let difference = expected.difference(of: container, in: pod) {
            said = expected.trial.entries.map { _ in .changed(difference) }
        } else {
            said =
                expected.trial.verdicts(inMessage: end["message"]?.string ?? "", of: plan.subject)
                ?? expected.trial.entries.map { _ in .unreadable(end["exitCode"]?.integer) }
        }
        let hasMesh = pod.hasMesh
        return .ended(
            PodTrialReading(
                results: plan.results(
                    of: said.map { hasMesh ? $0.behindMesh : $0 }, configuration,
                    in: .pod(onNodeNetwork: isOnNodeNetwork)),
                time: end["finishedAt"]?.string.flatMap { Timestamp($0) }))
    }
}

extension TrialContainer {
    /// What makes a pod's container, or the files that it reads, others than Lanyard would add now; `nil` if nothing does.
    fileprivate func difference(of container: JSONValue, in pod: JSONValue) -> String? {
        if let difference = difference(of: container) { return difference }
        let volume = pod["spec"]?["volumes"]?.array?.first { $0["name"]?.string == Self.volumeName }
        return matches(volume: volume ?? .null) ? nil : "volume \(Self.volumeName)"
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

    /// Why a pod's container is not believed.
    static let containerChanged = "ContainerChanged"

    fileprivate static func changed(_ difference: String) -> Verdict {
        .unknown(
            containerChanged,
            """
            the init container \(TrialContainer.name) differs from what Lanyard would add now, so that it is not believed: by its \
            \(difference)
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
    fileprivate func results(
        of verdicts: [Verdict], _ configuration: Configuration, in place: TrialPlace
    ) -> [TrialResult] {
        var verdicts = verdicts.makeIterator()
        var results: [TrialResult] = []
        for binding in bindings {
            if let blocked = TrialResult(ofBlocked: binding) { results.append(blocked) }
            for outcome in binding.outcomes {
                // By the names that the operator's own trials have.
                let identities = outcome.trials(for: binding.provider, configuration).map(\.exchange?.identity)
                let trials = outcome.trials(for: binding.provider, configuration, in: place)
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
