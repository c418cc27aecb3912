internal import KubernetesModel

/// Why something is not ready, or not known to be.
struct Shortcoming: Hashable {
    /// False, or unknown.
    var status: Condition.Status
    /// One word for programs.
    var reason: String
    /// For people: what is wrong, and what to change.
    var message: String

    init(_ status: Condition.Status, _ reason: String, _ message: String) {
        self.status = status
        self.reason = reason
        self.message = message
    }
}
