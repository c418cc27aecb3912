internal import JSON
internal import WorkloadIdentity

/// A volume that shows files in a folder where a container expects them, by variables that it sets itself: one for each
/// folder, with all files that any container expects there, of whichever provider.
struct CustomFolder: Hashable {
    /// A volume of this name may be in the pod already, with some of the files.
    let name: String
    /// Where it stands among the pod's volumes; `nil` if it has to be added.
    let index: Int?
    /// What is to be added to it.
    private(set) var added: [ProjectedSource] = []
    private let present: [JSONValue]

    /// - Returns: `nil` if the pod's volume of that name is of another kind.
    init?(for folder: ContainerPath, in pod: PodManifest) {
        name = Self.name(for: folder)
        index = pod.indexOfVolume(named: name)
        guard let volume = pod.volume(named: name) else {
            present = []
            return
        }
        guard let sources = volume["projected"]?["sources"]?.array, index != nil else { return nil }
        present = sources
    }

    var json: JSONValue {
        ["name": .string(name), "projected": ["sources": .array(added.map(\.json))]]
    }

    /// Whether the file is among its files, before anything is added.
    func has(_ source: ProjectedSource) -> Bool { present.contains(where: source.matches) }

    /// Whether another file has the place of this one.
    func isTaken(for source: ProjectedSource) -> Bool {
        if has(source) { return false }
        if let other = added.first(where: { $0.path == source.path }) { return !other.matches(source.json) }
        return present.contains { ProjectedSource.paths(of: $0)?.contains(source.path) ?? true }
    }

    mutating func add(_ source: ProjectedSource) {
        if !has(source), !added.contains(where: { $0.path == source.path }) { added.append(source) }
    }

    // MARK: Names and places

    /// Vendors' webhooks know a folder by the name of its volume, and would mount a second one there.
    ///
    /// - Azure's, until its version 1.5: https://github.com/Azure/azure-workload-identity/blob/v1.5.1/pkg/webhook/consts.go
    /// - EKS': https://github.com/aws/amazon-eks-pod-identity-webhook/blob/master/pkg/handler/handler.go
    private static let vendorsNames = [
        "/run/secrets/azure/tokens": "azure-identity-token",
        "/run/secrets/eks.amazonaws.com/serviceaccount": "aws-iam-token",
    ]

    static func name(for folder: ContainerPath) -> String {
        vendorsNames[folder.canonical] ?? "lanyard-at-\(Fingerprint.of(folder.canonical))"
    }

    /// Below which folders a container may expect files: there nothing but credentials is, and no program of an image.
    private static let roots = ["/var/run/secrets", "/run/secrets"]

    /// Where Lanyard, the API server or a vendor's webhook mounts a volume of its own.
    private static let reserved = [
        "/var/run/secrets/lanyard.dev", "/var/run/secrets/kubernetes.io", "/var/run/secrets/azure/wi",
        "/var/run/secrets/pods.eks.amazonaws.com", "/var/run/secrets/ack.alibabacloud.com",
        "/var/run/secrets/gcloud/config",
    ]

    /// Whether it is a place for credentials, and for nothing of an image's.
    static func isBelowRoot(_ folder: ContainerPath, on system: PodContext.OperatingSystem) -> Bool {
        paths(roots, on: system).contains { folder.isWithin($0) }
    }

    /// Whether it would hide one of the mounts of others, or be hidden by it. The root itself would hide them all.
    static func isReserved(_ folder: ContainerPath, on system: PodContext.OperatingSystem) -> Bool {
        paths(reserved, on: system).contains { folder.isWithin($0) || $0.isWithin(folder) }
    }

    private static func paths(_ texts: [String], on system: PodContext.OperatingSystem) -> [ContainerPath] {
        texts.compactMap { ContainerPath($0, on: system) }
    }
}
