public import JSON
internal import WorkloadIdentity

/// A pod as it runs, to be compared with what it should have.
///
/// Variables that it takes from whole ConfigMaps and Secrets stand among the others, as far as the keys of those are known.
public struct ExaminedPod: Sendable {
    static let lists: [PodManifest.ContainerList] = [.initContainers, .containers]

    let json: JSONValue
    let manifest: PodManifest

    /// - Parameter keys: what the sources have that could be looked at. One that is not there has none.
    public init(_ pod: JSONValue, keys: [EnvironmentSource: [String]] = [:]) {
        var pod = pod
        for list in Self.lists {
            guard let containers = pod["spec"]?[list.rawValue]?.array else { continue }
            pod["spec"]?[list.rawValue] = .array(containers.map { $0.resolved(keys) })
        }
        json = pod
        manifest = PodManifest(pod)
    }

    var usesHostNetwork: Bool { json["spec"]?["hostNetwork"]?.bool == true }

    func json(of container: PodManifest.Container) -> JSONValue {
        let containers = json["spec"]?[container.list.rawValue]?.array ?? []
        return containers.last { $0["name"]?.string == container.name } ?? [:]
    }

    /// As whom a container's processes run, if the pod says so; else as its image does.
    func user(of container: JSONValue) -> Int? {
        container["securityContext"]?["runAsUser"]?.integer ?? json["spec"]?["securityContext"]?["runAsUser"]?.integer
    }
}

extension JSONValue {
    /// A container whose `envFrom` has only what is not known. What stands in `env` wins, and so comes last.
    fileprivate func resolved(_ keys: [EnvironmentSource: [String]]) -> JSONValue {
        guard let elements = self["envFrom"]?.array else { return self }
        var unknown: [JSONValue] = []
        var variables: [JSONValue] = []
        for element in elements {
            guard let source = EnvironmentSource(element), let keys = keys[source] else {
                unknown.append(element)
                continue
            }
            let prefix = element["prefix"]?.string ?? ""
            variables += keys.map { source.variable($0, prefix: prefix) }
        }
        var container = self
        container["envFrom"] = unknown.isEmpty ? nil : .array(unknown)
        container["env"] = .array(variables + (self["env"]?.array ?? []))
        return container
    }
}
