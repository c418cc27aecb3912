internal import JSON
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// What makes pods that run as a ServiceAccount, or a pod that nothing made, and what is wrong with their containers.
struct ReportedWorkload {
    /// So many of those that ask for nothing themselves are reported, since something is wrong with their pods.
    private static let mostOthers = 10

    var reference: ObjectReference
    var problems: [StatusProblem] = []

    /// Those that ask for a provider, and whatever else has problems.
    ///
    /// - Parameter origin: what a pod comes from in the end; `nil` if nothing made it.
    static func all(
        asking workloads: [Workload], pods: [ObjectMetadata], origin: (ObjectMetadata) -> OwnerReference?
    ) -> [ReportedWorkload] {
        var reported = workloads.map { ReportedWorkload(reference: $0.reference) }
        var places = Dictionary(reported.enumerated().map { ($1.reference.uid, $0) }) { first, _ in first }
        for pod in pods where pod.hasProblems {
            let reference = origin(pod).map { ObjectReference($0, in: pod.namespace) } ?? pod.podReference
            if places[reference.uid] == nil {
                guard reported.count < workloads.count + mostOthers else { continue }
                places[reference.uid] = reported.count
                reported.append(ReportedWorkload(reference: reference))
            }
            guard let place = places[reference.uid] else { continue }
            let problems = PodStamp(annotations: pod.annotations).problems.lazy
            reported[place].problems.add(problems.compactMap { StatusProblem(stamp: $0) })
        }
        return reported
    }

    var json: JSONValue {
        var json: JSONValue = ["kind": .string(reference.kind), "name": .string(reference.name)]
        if !problems.isEmpty { json["problems"] = .array(problems.map(\.json)) }
        return json
    }
}

extension ObjectMetadata {
    fileprivate var hasProblems: Bool { annotations[AnnotationKey.problems.name].map { !$0.isEmpty } ?? false }

    fileprivate var podReference: ObjectReference { ObjectReference(type: Pod.resourceType, key: key, uid: uid) }
}

extension ObjectReference {
    fileprivate init(_ owner: OwnerReference, in namespace: String?) {
        self.init(
            apiVersion: owner.apiVersion, kind: owner.kind, namespace: namespace, name: owner.name, uid: owner.uid)
    }
}
