/// Why an application in a pod has no credentials, or none that it should have.
public struct Cause: Hashable, Sendable {
    /// The likelier one first: what keeps a pod from running decides whatever else is wrong.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case serviceAccountNotFound = "ServiceAccountNotFound"
        case unschedulable = "Unschedulable"
        case notStarted = "NotStarted"
        case outOfMemory = "OutOfMemory"
        case exempt = "Exempt"
        case notAsked = "NotAsked"
        case notInjected = "NotInjected"
        case blocked = "Blocked"
        case noCredential = "NoCredential"
        case storedCredential = "StoredCredential"
        case stale = "Stale"
        case notTrusted = "NotTrusted"
        case reported = "Reported"
        case earlierRelease = "EarlierRelease"
        case restarts = "Restarts"
        case operatorAway = "OperatorAway"
        case notKnown = "NotKnown"
        case doubt = "Doubt"
    }

    public let kind: Kind
    /// What is wrong.
    public let message: String
    /// A command to type, or what to do.
    public let next: String
    /// Whether something is wrong, and not only may be.
    public var isCertain: Bool { ![.notKnown, .doubt, .earlierRelease].contains(kind) }

    init(_ kind: Kind, _ message: String, next: String) {
        self.kind = kind
        self.message = message
        self.next = next
    }
}
