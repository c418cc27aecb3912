internal import JSON
internal import WorkloadIdentity

/// How many identities and pods there are of each sort, by what the WorkloadIdentities say: a value, that takes the same time
/// for each change, however many there are.
struct IdentityTally {
    /// A sort of which there is a number.
    enum Sort: Hashable {
        case identity(provider: String, mechanism: String, isReady: Bool, reason: String)
        case pod(state: String)
    }

    private(set) var counts: [Sort: Int] = [:]
    private var reasons: Set<String> = []
    private let providers: Set<ProviderName>

    /// The reasons are the program's, so there are fewer; but whoever may write a status may write others.
    private static let mostReasons = 100
    private static let mostPodStates = 10
    static let otherReason = "Other"

    /// - Parameter providers: all that can be asked for.
    init(providers: some Sequence<ProviderName>) {
        self.providers = Set(providers)
    }

    /// Replaces what one identity says.
    ///
    /// - Parameters:
    ///   - old: its status before; `nil` if it was not there.
    ///   - new: its status now; `nil` if it has gone.
    /// - Returns: the sorts whose numbers may have changed.
    mutating func replace(_ old: JSONValue?, by new: JSONValue?) -> Set<Sort> {
        var changed: Set<Sort> = []
        for (status, sign) in [(old, -1), (new, 1)] {
            guard let status else { continue }
            for (sort, count) in sorts(of: status) {
                changed.insert(sort)
                let sum = (counts[sort] ?? 0) + sign * count
                counts[sort] = sum > 0 ? sum : nil
            }
        }
        return changed
    }

    private mutating func sorts(of status: JSONValue) -> [Sort: Int] {
        var sorts: [Sort: Int] = [:]
        for provider in status["providers"]?.array ?? [] {
            guard let sort = sort(of: provider) else { continue }
            sorts[sort] = 1
        }
        let states = (status["pods"]?.object ?? [:]).filter { $0.key != "total" }
        for (state, count) in states.prefix(Self.mostPodStates) {
            guard let count = count.integer, (1...1_000_000).contains(count) else { continue }
            sorts[.pod(state: state)] = count
        }
        return sorts
    }

    private mutating func sort(of provider: JSONValue) -> Sort? {
        guard let name = provider["name"]?.string, providers.contains(ProviderName(rawValue: name)) else { return nil }
        let mechanisms = (provider["mechanism"]?.string ?? "").split { $0 == "," || $0 == "+" }
            .compactMap { Mechanism(rawValue: String($0))?.rawValue }
        return .identity(
            provider: name, mechanism: mechanisms.isEmpty ? "none" : mechanisms.prefix(2).joined(separator: ","),
            isReady: provider["ready"]?.bool ?? false, reason: known(provider["reason"]?.string ?? ""))
    }

    /// A reason that there is a series for; the same for the same reason, ever after.
    private mutating func known(_ reason: String) -> String {
        if reasons.contains(reason) { return reason }
        guard reasons.count < Self.mostReasons, (1...64).contains(reason.utf8.count) else { return Self.otherReason }
        reasons.insert(reason)
        return reason
    }
}
