internal import JSON
internal import KubernetesClient
internal import KubernetesModel

/// What one event is to become on the server: a new event, or a higher count of the one that is there.
struct EventWrite: Hashable {
    /// What the server has of an event.
    struct Present: Hashable {
        var resourceVersion = ""
        var count = 1
    }

    var event: ObjectEvent
    var key: ObjectKey

    /// How often it was said here, written or not.
    var count: Int

    /// How much of ``count`` the server does not have yet.
    var added: Int

    /// `nil` if the event is to be made.
    var present: Present?
    var firstSeen: Timestamp
    var lastSeen: Timestamp

    /// - Parameters:
    ///   - controller: who reports, as a domain and a name: `lanyard.dev/controller`.
    ///   - instance: which of several that do.
    func request(reportedBy controller: String, _ instance: String, fieldManager: String) -> KubernetesRequest {
        guard let present else {
            return .create(
                Event.resourceType, object(reportedBy: controller, instance), in: key.namespace,
                fieldManager: fieldManager)
        }
        // Refused if anybody has counted in between.
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(present.resourceVersion)],
            "series": series(count: present.count.addingReportingOverflow(added).partialValue),
        ]
        return .patch(Event.resourceType, key, .merge(patch), fieldManager: fieldManager)
    }

    /// The event as it is created (`events.k8s.io/v1`).
    func object(reportedBy controller: String, _ instance: String) -> JSONValue {
        var object: JSONValue = [
            "metadata": ["name": .string(key.name), "namespace": .string(key.namespace ?? "")],
            "eventTime": .string(firstSeen.microsecondDescription),
            "reportingController": .string(controller),
            "reportingInstance": .string(instance),
            "action": .string(event.action),
            "reason": .string(event.reason),
            "type": .string(event.severity.rawValue),
            "regarding": event.regarding.json,
            "note": .string(event.note.cutOff(after: 1024)),
        ]
        if let related = event.related { object["related"] = related.json }
        if added > 1 { object["series"] = series(count: added) }
        return object
    }

    private func series(count: Int) -> JSONValue {
        [
            "count": .number(JSONNumber(count)),
            "lastObservedTime": .string(lastSeen.microsecondDescription),
        ]
    }
}

extension EventWrite.Present: JSONReadable {
    init(from json: inout JSONReader) throws {
        self.init()
        try json.object { key, json in
            switch key {
            case "metadata": resourceVersion = (try json.read() as ObjectMetadata).resourceVersion
            case "series": count = try JSONValue(from: &json)["count"]?.integer ?? 1
            default: try json.skip()
            }
        }
    }
}

extension String {
    /// The longest beginning that has no more bytes than `limit`.
    fileprivate func cutOff(after limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = self[...]
        while text.utf8.count > limit - 3 { text.removeLast() }
        return text + "…"
    }
}
