internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Operator
internal import PodInjection
internal import WorkloadIdentity

/// A pod as it stands in a cluster, with all that decides what it should have. What may not be read is left out, and said.
struct ObservedPod {
    /// Where the operator is, and what the caller knows of it.
    struct Settings {
        var operatorNamespace: String
        var platform: Platform?
        /// `nil`: the operator's own, if it can be read.
        var configuration: WorkloadIdentity.Configuration?
    }

    private(set) var observation: PodObservation
    let operatorState: OperatorState
    /// What could not be read, and what follows from that.
    private(set) var gaps: [String]

    init(
        _ key: ObjectKey, by client: KubernetesClient, _ settings: Settings
    ) async throws {
        var reader = TolerantReader(client: client)
        let pod = try await client.json(.get(Pod.resourceType, key))
        let configuration: WorkloadIdentity.Configuration
        if let given = settings.configuration {
            configuration = given
        } else {
            configuration = try await reader.configuration(in: settings.operatorNamespace)
        }
        let name = pod["spec"]?["serviceAccountName"]?.string ?? "default"
        let subject = Subject(namespace: key.namespace ?? "", serviceAccount: name)
        let cluster = try await ObservedCluster(
            around: subject, client, platform: settings.platform ?? configuration.platform,
            configuration: configuration)
        operatorState = try await OperatorState.read(
            ControllerLease.key(in: settings.operatorNamespace), by: client)
        observation = PodObservation(pod: pod, facts: cluster.facts, configuration: configuration)
        observation.report = cluster.report(on: subject)
        observation.isOperatorAlive = operatorState.isAlive
        observation.operatorNamespace = settings.operatorNamespace
        if observation.subject != nil {
            (observation.account, observation.accountChanged) = try await reader.account(subject)
        }
        observation.namespaceLabels = try await reader.labels(ofNamespace: subject.namespace)
        observation.registration = try await reader.registration()
        for source in EnvironmentSource.all(of: pod) {
            observation.keys[source] = try await reader.keys(of: source, in: subject.namespace)
        }
        observation.origin = try await reader.origin(of: pod)
        observation.events = try await reader.events(of: pod)
        gaps = reader.gaps
    }
}

/// Reads what there is a right to, and notes the rest.
private struct TolerantReader {
    let client: KubernetesClient
    private(set) var gaps: [String] = []

    init(client: KubernetesClient) { self.client = client }

    /// - Parameter consequence: what is not known without it.
    /// - Throws: if the API server does not answer at all.
    private mutating func read<Value: Sendable>(
        _ consequence: @autoclosure () -> String, _ body: () async throws -> Value?
    ) async throws -> PodObservation.Reading<Value> {
        do {
            guard let value = try await body() else { return .absent }
            return .found(value)
        } catch let error as KubernetesError where error.isNotFound {
            return .absent
        } catch let error as KubernetesError where !error.isUnanswered && !error.isUnauthorized {
            gaps.append("\(error.operation): \(error.isForbidden ? "no right" : error.message); \(consequence())")
            return .unread
        }
    }

    /// The operator's configuration, from where the chart puts it.
    mutating func configuration(in namespace: String) async throws -> WorkloadIdentity.Configuration {
        let key = ObjectKey(namespace: namespace, name: "lanyard")
        let found = try await read("the defaults are taken, unless you add --config") { [client] in
            try await client.getIfPresent(ConfigMap.self, key)
        }
        guard case .found(let map) = found, let text = map.data["config.yaml"] else {
            return try ConfigurationFile.read(nil)
        }
        return try ConfigurationFile.read(text: text, of: "ConfigMap \(key)")
    }

    /// The ServiceAccount, and when its annotations were last written.
    mutating func account(
        _ subject: Subject
    ) async throws -> (PodObservation.Reading<ServiceAccount>, changed: Timestamp?) {
        let found = try await read("what the pod should have is not known") { [client] in
            try await client.json(.get(ServiceAccount.resourceType, subject.key))
        }
        switch found {
        case .absent: return (.absent, nil)
        case .unread: return (.unread, nil)
        case .found(let json):
            let entries = json["metadata"]?["managedFields"]?.array ?? []
            let times = entries.filter { $0["fieldsV1"]?["f:metadata"]?["f:annotations"] != nil }
                .compactMap { $0["time"]?.string.flatMap { Timestamp($0) } }
            return (.found(try ServiceAccount(parsing: json.serialized())), times.max())
        }
    }

    mutating func labels(ofNamespace name: String) async throws -> [String: String]? {
        let found = try await read("whether the namespace is left alone is not known") { [client] in
            try await client.getIfPresent(PartialObjectMetadata<Namespace>.self, ObjectKey(name: name))
        }
        guard case .found(let namespace) = found else { return nil }
        return namespace.metadata.labels
    }

    mutating func registration() async throws -> PodObservation.Reading<PodObservation.Registration> {
        try await read("whether Lanyard's webhook is registered is not known") { [client] in
            try await client.getIfPresent(
                MutatingWebhookConfiguration.self, ObjectKey(name: WebhookRegistration.podInjector.name)
            ).map { PodObservation.Registration($0) }
        }
    }

    /// The keys of a ConfigMap or Secret. Only its metadata is asked for, and nothing else is taken for an answer.
    ///
    /// - Returns: `nil` if they are not known.
    mutating func keys(of source: EnvironmentSource, in namespace: String) async throws -> [String]? {
        let type = source.kind == .secret ? Secret.resourceType : ConfigMap.resourceType
        var request = KubernetesRequest.get(type, ObjectKey(namespace: namespace, name: source.name), as: .metadata)
        request.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        let found = try await read("its keys are not known") { [client, request] in try await client.json(request) }
        switch found {
        case .absent: return []
        case .unread: return nil
        case .found(let json): return EnvironmentSource.keys(notedIn: json["metadata"] ?? [:])
        }
    }

    /// What a pod comes from in the end.
    mutating func origin(of pod: JSONValue) async throws -> OwnerReference? {
        let metadata = try ObjectMetadata(parsing: (pod["metadata"] ?? [:]).serialized())
        guard let owner = metadata.controller, let kind = owner.workloadKind, [.replicaSet, .job].contains(kind) else {
            return metadata.controller
        }
        let key = ObjectKey(namespace: metadata.namespace, name: owner.name)
        let found = try await read("which workload the pod is of is not known") { [client] in
            try await client.json(.get(kind.resourceType, key, as: .metadata))
        }
        guard case .found(let json) = found else { return owner }
        return try ObjectMetadata(parsing: (json["metadata"] ?? [:]).serialized()).controller ?? owner
    }

    /// The latest first.
    mutating func events(of pod: JSONValue) async throws -> [PodEvent] {
        let uid = pod["metadata"]?["uid"]?.string ?? ""
        let namespace = pod["metadata"]?["namespace"]?.string
        let type = ResourceType(group: "", version: "v1", kind: "Event", plural: "events")
        let options = ListOptions(fieldSelector: "involvedObject.uid=\(uid)", limit: 100)
        let found = try await read("what happened to the pod is not known") { [client] in
            try await client.json(.list(type, in: namespace, options))
        }
        guard case .found(let list) = found else { return [] }
        let zero = Timestamp(seconds: 0)
        return (list["items"]?.array ?? []).map { PodEvent($0) }.sorted { ($0.last ?? zero) > ($1.last ?? zero) }
    }
}
