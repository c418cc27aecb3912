internal import KubernetesModel

/// What has pods created again, as the end of a sentence.
struct PodRemedy {
    private static let mostNames = 3

    private var namespace = ""
    private var restarted: [String] = []
    private var recreated: [String] = []
    private var deleted: [String] = []
    private var awaited: [String] = []

    /// - Parameter pods: each with what it comes from in the end, if anything made it.
    init(_ pods: [(pod: ObjectMetadata, origin: OwnerReference?)]) {
        namespace = pods.first?.pod.namespace ?? ""
        for (pod, origin) in pods {
            guard let origin else {
                recreated.add("pod/\(pod.name)")
                continue
            }
            let object = "\(origin.kind.lowercased())/\(origin.name)"
            switch origin.workloadKind {
            case .deployment, .daemonSet, .statefulSet: restarted.add(object)
            case .job: recreated.add(object)
            case .cronJob: awaited.add(object)
            case .pod, .replicaSet, .replicationController, nil: deleted.add("pod/\(pod.name)")
            }
        }
    }

    var text: String {
        func names(_ objects: [String], _ separator: String = ", ") -> String {
            objects.prefix(Self.mostNames).joined(separator: separator)
        }
        var ways: [String] = []
        if !restarted.isEmpty { ways.append("kubectl rollout restart \(names(restarted, " ")) -n \(namespace)") }
        if !recreated.isEmpty { ways.append("delete and create again \(names(recreated))") }
        if !deleted.isEmpty { ways.append("delete \(names(deleted)) for the controller to create again") }
        if !awaited.isEmpty { ways.append("wait for the next run of \(names(awaited))") }
        return ways.joined(separator: "; ")
    }
}

extension [String] {
    fileprivate mutating func add(_ name: String) {
        if !contains(name) { append(name) }
    }
}
