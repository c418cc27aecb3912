internal import JSON
internal import KubernetesModel

/// A pod of which it is read whether it serves.
struct PodReadiness: KubernetesResource {
    static var resourceType: ResourceType { Pod.resourceType }

    var metadata = ObjectMetadata(name: "")
    var isReady = false
    /// Whether its containers have ended for good, so that it counts no more.
    var isFinished = false

    init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "status": try readStatus(from: &json)
            default: try json.skip()
            }
        }
        metadata.keepOnlyWhatMatters()
    }

    private mutating func readStatus(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "phase": isFinished = try ["Succeeded", "Failed"].contains(json.optionalString() ?? "")
            case "conditions":
                let conditions: [Condition] = try json.list()
                isReady = conditions["Ready"]?.status == .true
            default: try json.skip()
            }
        }
    }
}
