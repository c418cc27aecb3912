internal import JSON
internal import KubernetesModel
internal import Operator

/// The WorkloadIdentities of a cluster, for people.
struct StatusReport {
    private let identities: [WorkloadIdentityObject]
    private let operatorState: OperatorState

    init(_ identities: [WorkloadIdentityObject], by operatorState: OperatorState) {
        self.identities = identities.sorted { $0.key < $1.key }
        self.operatorState = operatorState
    }

    /// Whether all is ready, and somebody is there to say so.
    var isReady: Bool { operatorState.isAlive != false && readyCount == identities.count }

    private var readyCount: Int { identities.count { $0.ready?.status == .true } }

    var json: JSONValue {
        [
            "operator": operatorState.json,
            "identities": .array(
                identities.map { identity in
                    [
                        "namespace": .string(identity.metadata.namespace ?? ""),
                        "serviceAccount": .string(identity.metadata.name), "status": identity.status,
                    ]
                }),
            "summary": [
                "identities": .number(JSONNumber(identities.count)), "ready": .number(JSONNumber(readyCount)),
            ],
        ]
    }

    /// - Parameter width: where lines end; `nil`: nowhere. A row of the table is never broken.
    func text(width: Int?) -> String {
        let summary =
            "\(readyCount) of \(identities.count) \(identities.count == 1 ? "identity" : "identities") ready"
            + (operatorState.isAlive == false ? ", as long as the operator was alive" : "")
        var sections = [([operatorState.text] + facts).map { $0.wrapped(at: width) }.joined(separator: "\n")]
        if !identities.isEmpty { sections.append(TextTable(header: header, rows: rows).text) }
        let told = Set(reasonsOfMany.keys)
        sections += identities.map { $0.remarks(width: width, except: told) }.filter { !$0.isEmpty }
        return (sections + [summary]).joined(separator: "\n\n")
    }

    private var header: [String] {
        let names = [
            "NAMESPACE", "SERVICEACCOUNT", "READY", "REASON", "PODS", "PROVIDER", "MECHANISM", "REACH", "STATE",
        ]
        return showsTrust ? names + ["VERIFIED"] : names
    }

    /// Whether the operator tries the trust of any.
    private var showsTrust: Bool { identities.contains { $0.status["verification"] != nil } }

    /// The cluster as the operator sees it. Objects that are not written again yet may still tell of what was.
    private var facts: [String] {
        var lines: [String] = []
        for status in identities.map(\.status) where status["platform"] != nil {
            var line = "platform \(status["platform"].text) (\(status["evidence"].text))"
            if let issuer = status["issuer"] { line += ", issuer \(issuer["url"].text) (\(issuer["reach"].text))" }
            if !lines.contains(line) { lines.append(line) }
            let components = (status["components"]?.array ?? []).compactMap(\.string)
            let also = "also in the cluster: \(components.joined(separator: ", "))"
            if !components.isEmpty, !lines.contains(also) { lines.append(also) }
        }
        let ways = identities.compactMap { $0.status["injection"]?["by"]?.string }
        if !ways.isEmpty {
            let own = ways.count { $0 == "policy" }
            lines.append("the API server itself injects into plain pods of \(own) of \(ways.count)")
        }
        for (reason, count) in reasonsOfMany.sorted(by: { $0.key < $1.key }) {
            lines.append("left to the webhook, \(count) of them: \(reason)")
        }
        return lines
    }

    /// Why identities are left to the webhook, as often as it is so, where it is so of more than one.
    private var reasonsOfMany: [String: Int] {
        Dictionary(identities.compactMap(\.reasonLeftToWebhook).map { ($0, 1) }, uniquingKeysWith: +)
            .filter { $0.value > 1 }
    }

    /// Of each identity what `kubectl get wid` says, beside each of its providers.
    private var rows: [[String]] {
        identities.flatMap { identity in
            let start = [
                identity.metadata.namespace ?? "", identity.metadata.name,
                identity.ready?.status.rawValue ?? "Unknown", identity.ready?.reason ?? "NotReported",
                identity.status["summary"]?["pods"].text ?? "",
            ]
            let providers = identity.providers.map { provider in
                [
                    provider["name"].text, provider["mechanism"]?.string ?? "-", provider["reach"]?.string ?? "-",
                    provider["reason"].text,
                ] + (showsTrust ? [identity.trust(of: provider["name"].text)] : [])
            }
            let none = Array(repeating: "-", count: header.count - start.count)
            return (providers.isEmpty ? [none] : providers).map { start + $0 }
        }
    }
}

extension WorkloadIdentityObject {
    fileprivate var ready: Condition? { conditions[ConditionType.ready] }
    fileprivate var providers: [JSONValue] { status["providers"]?.array ?? [] }

    /// What came of trying whether a provider trusts it, of several exchanges the worst.
    fileprivate func trust(of provider: String) -> String {
        let found = (status["verification"]?["results"]?.array ?? [])
            .filter { $0["provider"].text == provider }.map { $0["status"].text }
        return ["False", "Unknown", "True"].first(where: found.contains) ?? "-"
    }

    /// What is wrong, and what to know although all is well; empty if there is nothing to say.
    ///
    /// - Parameter told: why identities are left to the webhook, as far as it has been said of all of them.
    fileprivate func remarks(width: Int?, except told: Set<String>) -> String {
        let left = [reasonLeftToWebhook].compactMap(\.self).filter { !told.contains($0) }
        let lines =
            otherConditions + otherProviders + pods + workloads + left.map { "left to the webhook: \($0)" } + warnings
        var verdict = ""
        if let ready, ready.status != .true {
            verdict = " \(ready.status == .false ? "is" : "may be") not ready (\(ready.reason)): \(ready.message)"
        } else if lines.isEmpty {
            return ""
        }
        let header = verdict.isEmpty ? "\(key):" : "\(key)\(verdict)"
        return ([header.wrapped(at: width)] + lines.map { $0.wrapped(at: width, indentation: 2) })
            .joined(separator: "\n")
    }

    /// What the condition Ready does not say.
    private var otherConditions: [String] {
        let told = ["see \(ConditionType.ready)", ready?.message ?? ""]
        return conditions.filter { $0.status != .true && !told.contains($0.message) && $0.type != ConditionType.ready }
            .map { "\($0.type) is \($0.status.rawValue): \($0.message)" }
    }

    private var otherProviders: [String] {
        let told = conditions.map(\.message)
        return providers.compactMap { provider in
            let message = provider["message"].text
            guard provider["ready"]?.bool != true, !told.contains(where: { $0.contains(message) }) else { return nil }
            return "\(provider["name"].text): \(message)"
        }
    }

    private var pods: [String] {
        let named = (status["pods"]?["attention"]?.array ?? []).map { pod in
            let providers = (pod["providers"]?.array ?? []).compactMap(\.string).joined(separator: " ")
            return "\(pod["name"].text) (\(pod["state"].text)\(providers.isEmpty ? "" : " \(providers)"))"
        }
        guard !named.isEmpty else { return [] }
        let others = status["pods"]?["others"]?.integer ?? 0
        return ["pods: \(named.joined(separator: ", "))\(others > 0 ? " and \(others) more" : "")"]
    }

    private var workloads: [String] {
        (status["workloads"]?.array ?? []).flatMap { workload in
            (workload["problems"]?.array ?? []).map { problem in
                "\(workload["kind"].text) \(workload["name"].text): \(problem["reason"].text): \(problem["message"].text)"
            }
        }
    }

    fileprivate var reasonLeftToWebhook: String? { status["injection"]?["reason"]?.string }

    private var warnings: [String] {
        (status["warnings"]?.array ?? []).map { "warning: \($0.string ?? "")" }
    }
}

extension JSONValue? {
    fileprivate var text: String { self?.string ?? "" }
}
