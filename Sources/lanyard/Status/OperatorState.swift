internal import JSON
internal import KubernetesClient
internal import KubernetesModel

/// Whether the operator is alive, by the Lease that its leader renews each second.
enum OperatorState: Hashable {
    case alive(holder: String, renewed: Timestamp)
    /// Its leader ended, or cannot reach the API server.
    case silent(holder: String, renewed: Timestamp?)
    /// The last leader gave the Lease back, and no other has taken it.
    case resigned(ObjectKey)
    case absent(ObjectKey)
    /// The Lease cannot be read.
    case unknown(why: String)

    /// - Parameter lease: `nil` if there is none.
    init(_ lease: Lease?, at key: ObjectKey, now: Timestamp) {
        guard let lease else {
            self = .absent(key)
            return
        }
        guard !lease.holderIdentity.isEmpty else {
            self = .resigned(key)
            return
        }
        // Beside the pod's name there is something random in it.
        let holder = lease.holderIdentity.split(separator: "_").dropLast().joined(separator: "_")
        let name = holder.isEmpty ? lease.holderIdentity : holder
        let duration = UInt64(clamping: lease.leaseDurationSeconds ?? 8)
        if let renewed = lease.renewTime,
            now.seconds.subtractingReportingOverflow(renewed.seconds).partialValue.magnitude <= duration
        {
            self = .alive(holder: name, renewed: renewed)
        } else {
            self = .silent(holder: name, renewed: lease.renewTime)
        }
    }

    /// Reads the Lease; and once more if it looks old, since the clocks of two machines may differ.
    static func read(
        _ key: ObjectKey, by client: KubernetesClient, clock: any Clock<Duration> = .continuous
    ) async throws -> OperatorState {
        do {
            let first = try await client.getIfPresent(Lease.self, key)
            let state = OperatorState(first, at: key, now: .now)
            guard case .silent(let holder, let renewed) = state else { return state }
            try await clock.sleep(for: .seconds(3))
            let second = try await client.getIfPresent(Lease.self, key)
            guard let later = second?.renewTime, later != renewed else { return state }
            return .alive(holder: holder, renewed: later)
        } catch let error as KubernetesError {
            return .unknown(why: error.isForbidden ? "there is no right to read Lease \(key)" : "\(error)")
        }
    }

    /// Whether somebody keeps the reports up to date; `nil` if that is not known.
    var isAlive: Bool? {
        switch self {
        case .alive: true
        case .silent, .resigned, .absent: false
        case .unknown: nil
        }
    }

    var text: String {
        switch self {
        case .alive(let holder, let renewed): "operator: alive; \(holder) leads, and said so at \(renewed)"
        case .silent(let holder, let renewed):
            """
            operator: not alive; \(holder) led\(renewed.map { ", and last said so at \($0)" } ?? ""). What follows is as it \
            was then: nobody keeps it up to date
            """
        case .resigned(let key):
            """
            operator: not alive; the last leader gave Lease \(key) back. What follows is as it was then: nobody keeps it up \
            to date
            """
        case .absent(let key):
            "operator: not alive; there is no Lease \(key). If it runs in another namespace, add --operator-namespace"
        case .unknown(let why): "operator: not known whether it is alive; \(why)"
        }
    }

    var json: JSONValue {
        var json: JSONValue = ["message": .string(text)]
        json["alive"] = isAlive.map { .bool($0) }
        switch self {
        case .alive(let holder, let renewed):
            json["holder"] = .string(holder)
            json["renewTime"] = .string(renewed.description)
        case .silent(let holder, let renewed):
            json["holder"] = .string(holder)
            json["renewTime"] = renewed.map { .string($0.description) }
        case .resigned, .absent, .unknown: break
        }
        return json
    }
}
