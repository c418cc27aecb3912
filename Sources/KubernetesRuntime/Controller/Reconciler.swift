public import KubernetesModel

/// Brings the world into agreement with one object.
///
/// It is told which object, not what happened: it looks at what is now. The same object is never reconciled twice at the
/// same time.
public protocol Reconciler: Sendable {
    /// - Throws: if it did not succeed and should be tried again, later and later; or a ``TerminalError``.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult
}

public enum ReconcileResult: Hashable, Sendable {
    /// Nothing to do until the object changes.
    case done

    /// Look again after a while, even if nothing changes.
    case requeue(after: Duration)
}

/// A failure that trying again does not fix. It is logged, and not tried again until the object changes.
public struct TerminalError: Error, CustomStringConvertible {
    public var cause: any Error

    public init(_ cause: any Error) {
        self.cause = cause
    }

    public var description: String { "\(cause)" }
}
