internal import JSON
internal import WorkloadIdentity

/// What the kubelet says of one container. What a program said as it ended is left out: it could be anything.
public struct ContainerState: Hashable, Sendable {
    public let name: String
    public let restarts: Int
    /// Why it does not run, and what the kubelet says; `nil` if it runs, or has ended.
    let waiting: (reason: String, message: String)?
    /// How it ended, now or the last time.
    let ended: (reason: String, code: Int)?
    let isRunning: Bool

    init(_ status: JSONValue) {
        name = status["name"]?.string ?? ""
        restarts = status["restartCount"]?.integer ?? 0
        let state = status["state"]
        waiting = state?["waiting"].map { ($0["reason"]?.string ?? "", $0["message"]?.string ?? "") }
        isRunning = state?["running"] != nil
        let termination = state?["terminated"] ?? status["lastState"]?["terminated"]
        ended = termination.map { ($0["reason"]?.string ?? "", $0["exitCode"]?.integer ?? 0) }
    }

    /// Those of a pod, in the order in which they start.
    static func all(of pod: JSONValue) -> [ContainerState] {
        ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"]
            .flatMap { pod["status"]?[$0]?.array ?? [] }.map { ContainerState($0) }
    }

    public var text: String {
        var parts: [String] = []
        if let waiting {
            parts.append("waits: " + [waiting.reason, waiting.message].filter { !$0.isEmpty }.joined(separator: ": "))
        } else if isRunning {
            parts.append("runs")
        }
        if let ended {
            let time = waiting == nil && !isRunning ? "ended" : "ended before"
            parts.append("\(time) with \(ended.code)\(ended.reason.isEmpty ? "" : " (\(ended.reason))")")
        }
        if restarts > 0 { parts.append("\(restarts) \(restarts == 1 ? "restart" : "restarts")") }
        return parts.isEmpty ? "has not started" : parts.joined(separator: ", ").shortened(to: 300)
    }

    public static func == (left: ContainerState, right: ContainerState) -> Bool {
        left.name == right.name && left.text == right.text
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(text)
    }
}
