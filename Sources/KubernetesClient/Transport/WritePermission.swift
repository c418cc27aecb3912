/// Whether a request that changes something may leave now.
public struct WritePermission: Sendable {
    private let isGiven: @Sendable () -> Bool

    init(_ isGiven: @escaping @Sendable () -> Bool) {
        self.isGiven = isGiven
    }

    /// - Throws: a ``KubernetesError`` if it may not.
    public func require(for request: KubernetesRequest) throws {
        guard !isGiven() else { return }
        throw KubernetesError(
            .writingNotPermitted, operation: request.operation, message: "not sent, since this replica does not lead")
    }
}
