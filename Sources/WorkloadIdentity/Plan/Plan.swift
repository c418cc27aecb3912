internal import Crypto
internal import JSON

/// All bindings of one workload, and what to add to its pods.
public struct Plan: Hashable, Sendable {
    public var subject: Subject
    public var bindings: [Binding]
    /// Problems that belong to no single binding, and then those of the bindings.
    public var problems: [Problem]
    /// Why the workload is left alone, if it is: nothing is injected then.
    public var exemption: String?

    /// The bindings that add something to a pod.
    public var outcomes: [(provider: ProviderName, outcome: Binding.Outcome)] {
        guard exemption == nil else { return [] }
        return bindings.flatMap { binding in binding.outcomes.map { (binding.provider, $0) } }
    }

    /// A short name for what a pod gets: equal for equal plans, whatever the release or the pod's containers.
    ///
    /// `nil` if a pod gets nothing.
    public var hash: String? {
        let outcomes = outcomes
        guard !outcomes.isEmpty else { return nil }
        var hasher = SHA256()
        for (provider, outcome) in outcomes {
            let line: JSONValue = [
                .string(provider.rawValue), .string(outcome.mechanism.rawValue), .string(outcome.identity),
                .array(outcome.containers.include.map { .string($0) }),
                .array(outcome.containers.skip.map { .string($0) }),
            ]
            hasher.update(data: line.serialized())
        }
        let digits = hasher.finalize().prefix(6).map { byte in
            let hexadecimal = String(byte, radix: 16)
            return hexadecimal.count == 1 ? "0" + hexadecimal : hexadecimal
        }
        return digits.joined()
    }
}
