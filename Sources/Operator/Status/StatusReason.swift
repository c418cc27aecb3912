/// Conditions' types, and the reasons that are no problem's.
enum ConditionType {
    static let accepted = "Accepted"
    static let compatible = "Compatible"
    static let injected = "Injected"
    static let ready = "Ready"
    /// On Deployments and DaemonSets, whose controllers keep conditions that they do not know.
    static let credentialsReady = "lanyard.dev/CredentialsReady"
}

enum StatusReason {
    static let valid = "Valid"
    static let resolved = "Resolved"
    static let podsCurrent = "PodsCurrent"
    static let podsStale = "PodsStale"
    static let podsNotInjected = "PodsNotInjected"
    static let secretNotSynced = "SecretNotSynced"
    static let objectNotOurs = "ObjectNotOurs"
    static let ready = "Ready"
    static let exempt = "Exempt"
}
