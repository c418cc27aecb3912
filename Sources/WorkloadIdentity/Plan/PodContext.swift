/// The part of a pod that a plan depends on.
public struct PodContext: Hashable, Sendable {
    public enum OperatingSystem: Hashable, Sendable {
        case linux
        case windows
    }

    /// `nil`: not known yet, since the API server makes it up or this is the template of many pods.
    public var name: String?
    public var annotations: [String: String]
    public var labels: [String: String]
    /// What the pod and its ServiceAccount say together; Kubernetes' default is to mount.
    public var mountsServiceAccountToken: Bool
    public var operatingSystem: OperatingSystem

    public init(
        name: String? = nil, annotations: [String: String] = [:], labels: [String: String] = [:],
        mountsServiceAccountToken: Bool = true, operatingSystem: OperatingSystem = .linux
    ) {
        self.name = name
        self.annotations = annotations
        self.labels = labels
        self.mountsServiceAccountToken = mountsServiceAccountToken
        self.operatingSystem = operatingSystem
    }

    /// Whether the pod asks to be refused rather than to start without credentials.
    public var requiresInjection: Bool { labels[Plan.injectKey] == "required" }

    /// A path inside a container, as programs on this operating system take it.
    func path(_ path: String) -> String {
        switch operatingSystem {
        case .linux: path
        case .windows: "C:" + path.map { $0 == "/" ? "\\" : String($0) }.joined()
        }
    }
}
