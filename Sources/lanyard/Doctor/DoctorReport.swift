internal import JSON
internal import KubernetesModel
internal import Operator
internal import PodInjection
internal import WorkloadIdentity

/// A pod's diagnosis, for people and for programs.
struct DoctorReport {
    let diagnosis: PodDiagnosis
    let operatorState: OperatorState
    /// How the pod was chosen; `nil` if it was named.
    let choice: String?
    /// What could not be read, and what follows from that.
    let gaps: [String]

    // MARK: For people

    /// - Parameter width: where lines end; `nil`: nowhere.
    func text(width: Int?) -> String {
        let sections = [head, expectation, containers, start, trust, verdict]
        return sections.filter { !$0.isEmpty }.map { section in
            section.map { $0.text.wrapped(at: width, indentation: $0.level * 2) }.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private struct Line {
        var level = 0
        var text: String
    }

    private static let mostEvents = 5

    private var head: [Line] {
        var lines = [Line(text: "pod \(diagnosis.pod)\(diagnosis.phase.isEmpty ? "" : ", \(diagnosis.phase)")")]
        if let choice { lines.append(Line(text: choice)) }
        if let subject = diagnosis.subject { lines.append(Line(text: "runs as \(subject)")) }
        lines.append(Line(text: operatorState.text))
        return lines + gaps.map { Line(text: "not read: \($0)") }
    }

    private var expectation: [Line] {
        let expected = diagnosis.expected.map { expectation in
            let ways = expectation.mechanisms.map(\.rawValue).joined(separator: ", ")
            let identity = expectation.identity.map { ", as \($0)" } ?? ""
            return Line(
                level: 1,
                text: ways.isEmpty
                    ? "\(expectation.provider): no usable mechanism" : "\(expectation.provider) by \(ways)\(identity)")
        }
        let should = expected.isEmpty ? [] : [Line(text: "should have:")] + expected
        let stamp = diagnosis.stamp.isEmpty ? "" : " (\(diagnosis.stamp))"
        return should + [Line(text: "is: \(diagnosis.standingText)\(stamp)")]
    }

    private var containers: [Line] {
        let states = Dictionary(diagnosis.states.map { ($0.name, $0.text) }) { first, _ in first }
        var lines = diagnosis.containers.flatMap { container in
            let state = states[container.name] ?? "has not started"
            let title = Line(text: "container \(container.name): \(state)")
            guard !container.choices.isEmpty || diagnosis.expected.isEmpty else {
                return [title, Line(level: 1, text: "is not meant to have a credential")]
            }
            return [title] + container.choices.flatMap { self.lines(of: $0) }
        }
        // Of what runs beside them, such as a sidecar that another webhook added while nothing is known of the plan.
        let known = diagnosis.containers.map(\.name)
        lines += diagnosis.states.filter { !known.contains($0.name) }.map {
            Line(text: "container \($0.name): \($0.text)")
        }
        return lines
    }

    private func lines(of choice: CredentialChoice) -> [Line] {
        var lines = [
            Line(level: 1, text: "\(choice.provider): \(choice.winner.words(choice.mechanism)): \(choice.reason)")
        ]
        lines += choice.variables.map { Line(level: 2, text: "\($0.name): \($0.value)") }
        if let file = choice.file { lines.append(Line(level: 2, text: "file \(file.path): \(file.text)")) }
        return lines + choice.doubts.map { Line(level: 2, text: "but: \($0)") }
    }

    private var start: [Line] {
        guard !diagnosis.events.isEmpty else { return [] }
        return [Line(text: "events, the latest first:")]
            + diagnosis.events.prefix(Self.mostEvents).map { Line(level: 1, text: $0.text) }
    }

    private var trust: [Line] {
        var lines: [Line] = []
        if !diagnosis.claims.isEmpty {
            lines.append(Line(text: "the provider must trust, letter by letter:"))
            lines += diagnosis.claims.map { Line(level: 1, text: $0.text) }
        }
        if let trials = diagnosis.podTrials {
            let time = diagnosis.podTrialTime.map { " at \($0)" } ?? ""
            lines.append(Line(text: "tried in the pod\(time), as it started:"))
            lines += trials.map { Line(level: 1, text: $0.text) }
        }
        if let trials = diagnosis.trials, !trials.isEmpty {
            lines.append(Line(text: "tried from this machine:"))
            lines += trials.map { Line(level: 1, text: $0.text) }
        }
        return lines + (trial.map { [Line(level: 1, text: $0)] } ?? [])
    }

    /// What would try the trust, if it was not tried.
    private var trial: String? {
        guard let subject = diagnosis.subject, diagnosis.trials == nil, !diagnosis.claims.isEmpty else { return nil }
        return "lanyard verify \(subject.qualifiedName) tries it"
    }

    private var verdict: [Line] {
        let certain = diagnosis.causes.filter(\.isCertain)
        let others = diagnosis.causes.filter { !$0.isCertain }
        var lines: [Line] = []
        if let first = certain.first {
            lines = [Line(text: "likeliest cause (\(first.kind.rawValue)): \(first.message)")]
            lines += certain.dropFirst().map { Line(level: 1, text: "also (\($0.kind.rawValue)): \($0.message)") }
        } else {
            lines = [Line(text: "nothing is wrong that can be seen from here")]
        }
        lines += others.map { Line(level: 1, text: "perhaps (\($0.kind.rawValue)): \($0.message)") }
        let step = certain.first?.next ?? others.first { $0.kind == .notKnown }?.next
        guard let next = step ?? trial else { return lines }
        return lines + [Line(text: "next: \(next)")]
    }

    // MARK: For programs

    var json: JSONValue {
        var json: JSONValue = [
            "namespace": .string(diagnosis.pod.namespace ?? ""), "pod": .string(diagnosis.pod.name),
            "phase": .string(diagnosis.phase), "operator": operatorState.json,
            "expected": .array(diagnosis.expected.map(\.json)),
            "standing": ["state": .string(diagnosis.standingWord), "message": .string(diagnosis.standingText)],
            "containers": .array(diagnosis.containers.map { $0.json(diagnosis.states) }),
            "events": .array(diagnosis.events.map(\.json)), "trust": .array(diagnosis.claims.map(\.json)),
            "causes": .array(diagnosis.causes.map(\.json)), "notRead": .array(gaps.map { .string($0) }),
        ]
        json["serviceAccount"] = diagnosis.subject.map { .string($0.serviceAccount) }
        json["trials"] = diagnosis.trials.map { .array($0.map(\.json)) }
        json["podTrials"] = diagnosis.podTrials.map { .array($0.map(\.json)) }
        json["podTrialTime"] = diagnosis.podTrialTime.map { .string($0.description) }
        json["injected"] = diagnosis.stamp.isEmpty ? nil : .string(diagnosis.stamp)
        return json
    }
}

// MARK: - Parts

extension CredentialChoice.Winner {
    fileprivate func words(_ mechanism: Mechanism) -> String {
        switch self {
        case .identity: "the identity counts (\(mechanism))"
        case .storedCredential: "a stored credential counts, and not the identity"
        case .ownIdentity: "an identity of the container's own counts"
        case .nothing: "it has no credential that can work"
        }
    }
}

extension CredentialChoice {
    fileprivate var json: JSONValue {
        var json: JSONValue = [
            "provider": .string(provider.rawValue), "mechanism": .string(mechanism.rawValue),
            "counts": .string(winner.rawValue), "reason": .string(reason),
            "variables": .array(variables.map { ["name": .string($0.name), "value": .string($0.value)] }),
            "doubts": .array(doubts.map { .string($0) }),
        ]
        json["file"] = file?.json
        return json
    }
}

extension CredentialFile {
    fileprivate var text: String {
        let parts = [
            volume.map { "volume \($0)" }, audience.map { "audience \($0)" },
            expirationSeconds.map { "a token of \($0) s" }, permissions,
            obstacle.map { "cannot be used: \($0)" },
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }

    fileprivate var json: JSONValue {
        var json: JSONValue = ["path": .string(path)]
        json["volume"] = volume.map { .string($0) }
        json["audience"] = audience.map { .string($0) }
        json["expirationSeconds"] = expirationSeconds.map { .number(JSONNumber($0)) }
        json["permissions"] = permissions.map { .string($0) }
        json["obstacle"] = obstacle.map { .string($0) }
        return json
    }
}

extension ContainerDiagnosis {
    fileprivate func json(_ states: [ContainerState]) -> JSONValue {
        let state = states.first { $0.name == name }
        return [
            "name": .string(name), "state": .string(state?.text ?? "has not started"),
            "restarts": .number(JSONNumber(state?.restarts ?? 0)), "credentials": .array(choices.map(\.json)),
        ]
    }
}

extension PodDiagnosis.Expectation {
    fileprivate var json: JSONValue {
        var json: JSONValue = [
            "provider": .string(provider.rawValue), "mechanisms": .array(mechanisms.map { .string($0.rawValue) }),
            "problems": .array(problems.map { .string($0) }),
        ]
        json["identity"] = identity.map { .string($0) }
        return json
    }
}

extension PodDiagnosis.Claims {
    fileprivate var text: String {
        let parts = [
            "iss \(issuer ?? "not known")", "sub \(subject)", audience.map { "aud \($0)" },
            identity.map { "for \($0)" },
        ]
        return "\(provider) (\(mechanism)): " + parts.compactMap(\.self).joined(separator: ", ")
    }

    fileprivate var json: JSONValue {
        var json: JSONValue = [
            "provider": .string(provider.rawValue), "mechanism": .string(mechanism.rawValue),
            "subject": .string(subject),
        ]
        json["issuer"] = issuer.map { .string($0) }
        json["audience"] = audience.map { .string($0) }
        json["identity"] = identity.map { .string($0) }
        return json
    }
}

extension TrialResult {
    fileprivate var text: String {
        let way = mechanism.map { " (\($0))" } ?? ""
        let account = identity.map { " for \($0)" } ?? ""
        let reason = verdict.outcome == .verified ? "" : " (\(verdict.reason))"
        return "\(provider)\(way)\(account): \(verdict.outcome.rawValue)\(reason): \(verdict.message)"
    }
}

extension PodEvent {
    fileprivate var text: String {
        let time = last.map { "\($0) " } ?? ""
        return "\(time)\(reason.shortened)\(count > 1 ? " (\(count) times)" : ""): \(message.shortened(to: 200))"
    }

    fileprivate var json: JSONValue {
        var json: JSONValue = [
            "type": isWarning ? "Warning" : "Normal", "reason": .string(reason), "message": .string(message),
            "count": .number(JSONNumber(count)),
        ]
        json["last"] = last.map { .string($0.description) }
        return json
    }
}

extension Cause {
    fileprivate var json: JSONValue {
        [
            "reason": .string(kind.rawValue), "message": .string(message), "next": .string(next),
            "certain": .bool(isCertain),
        ]
    }
}
