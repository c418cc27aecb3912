/// Conditions' types, and the reasons that are no problem's.
public enum ConditionType {
    static let accepted = "Accepted"
    static let compatible = "Compatible"
    static let injected = "Injected"
    public static let ready = "Ready"
    /// Whether providers have the keys that verify the cluster's tokens; it takes no part in Ready.
    static let keysTrusted = "KeysTrusted"
    /// Whether the providers gave a credential when that was tried; it takes no part in Ready.
    static let verified = "Verified"
    /// On Deployments and DaemonSets, whose controllers keep conditions that they do not know.
    static let credentialsReady = "lanyard.dev/CredentialsReady"
}

enum StatusReason {
    static let valid = "Valid"
    static let resolved = "Resolved"
    static let podsCurrent = "PodsCurrent"
    static let podsStale = "PodsStale"
    static let podsNotInjected = "PodsNotInjected"
    static let podsLackCredentials = "PodsLackCredentials"
    static let podsOfEarlierRelease = "PodsOfEarlierRelease"
    static let secretNotSynced = "SecretNotSynced"
    static let objectNotOurs = "ObjectNotOurs"
    static let ready = "Ready"
    static let keysCurrent = "KeysCurrent"
    static let verified = "Verified"
    static let exempt = "Exempt"
    /// Of an event: the provider takes the pods for somebody else than before.
    static let identityChanged = "IdentityChanged"
}
