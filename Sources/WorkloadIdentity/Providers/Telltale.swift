public import JSON

/// A variable by which one sees that a container means to reach a provider in a way of its own that cannot work in a pod.
struct Telltale: Sendable {
    var variable: String
    /// With one of these the way does work.
    var unless: [String]
    /// Why it cannot work, and what to do, as the end of "NAME is set, but …".
    var explanation: String
}

extension Plan {
    /// What a container's variables tell of providers that the plan has no credentials for: a workload that asks for nothing
    /// may still be meant to call a model.
    ///
    /// - Parameters:
    ///   - container: its name, and where it stands in the pod.
    ///   - defines: whether the container defines a variable.
    public func hints(
        forContainer container: (name: String, pointer: JSONPointer), configuration: Configuration,
        defines: (String) -> Bool
    ) -> [Problem] {
        guard exemption == nil else { return [] }
        let served = Set(bindings.map(\.provider))
        return Provider.all(configuration).filter { !served.contains($0.name) }.flatMap { provider in
            provider.telltales.filter { defines($0.variable) && !$0.unless.contains(where: defines) }.map { telltale in
                .warning(
                    .unsupportedCredential,
                    """
                    \(provider.name): container \(container.name.shortened): \(telltale.variable) is set, but \
                    \(telltale.explanation)
                    """,
                    field: telltale.variable, in: .container(container.pointer), provider: provider.name)
            }
        }
    }
}
