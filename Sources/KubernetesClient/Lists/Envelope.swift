internal import JSON
internal import KubernetesModel

/// What stands around the objects: a list without its items, or a bookmark of a watch.
struct Envelope: JSONReadable {
    var metadata = ListMetadata()

    init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            default: try json.skip()
            }
        }
    }
}
