internal import JSON
internal import KubernetesModel

// What the server is, and what it serves.

/// A Kubernetes version, as far as it decides what can be used.
public struct KubernetesVersion: Hashable, Sendable, Comparable {
    public var major: Int
    public var minor: Int

    /// As the server says it: `v1.29.3-eks-adc7111`.
    public var text: String

    public init(major: Int, minor: Int, text: String) {
        self.major = major
        self.minor = minor
        self.text = text
    }

    public static func < (left: KubernetesVersion, right: KubernetesVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// One kind in the server's list of what it serves.
public struct ServedResource: Hashable, Sendable {
    /// The plural name; with a slash it is a subresource (`pods/status`).
    public var name = ""
    public var kind = ""
    public var isNamespaced = false
}

extension KubernetesClient {
    public func serverVersion() async throws -> KubernetesVersion {
        let json = try await json(.nonResource("/version"))
        // Some providers write a minor version of "21+".
        let minor = json["minor"]?.string?.prefix(while: \.isNumber)
        return KubernetesVersion(
            major: json["major"]?.string.flatMap { Int($0) } ?? 0,
            minor: minor.flatMap { Int($0) } ?? 0,
            text: json["gitVersion"]?.string ?? "")
    }

    /// What is served of a group and version.
    ///
    /// - Parameter apiVersion: `apps/v1`, or `v1` for the core group.
    /// - Returns: `nil` if the server does not have it.
    public func servedResources(of apiVersion: String) async throws -> [ServedResource]? {
        do {
            let path = apiVersion.contains("/") ? "/apis/\(apiVersion)" : "/api/\(apiVersion)"
            return try await read(.nonResource(path), as: ServedResourceList.self).resources
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }
}

private struct ServedResourceList: JSONReadable, Sendable {
    var resources: [ServedResource] = []

    init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "resources":
                try json.array { json in resources.append(try ServedResource(from: &json)) }
            default: try json.skip()
            }
        }
    }
}

extension ServedResource {
    fileprivate init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "kind": kind = try json.string()
            case "namespaced": isNamespaced = try json.bool()
            default: try json.skip()
            }
        }
    }
}
