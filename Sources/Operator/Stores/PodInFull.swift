internal import JSON
internal import KubernetesModel
internal import PodInjection

/// A pod with all that an injection looks at. It weighs much, so it is read, compared and forgotten.
struct PodInFull: KubernetesResource {
    static var resourceType: ResourceType { Pod.resourceType }

    let metadata: ObjectMetadata
    let serviceAccountName: String
    /// `nil` if there is more of the pod than a webhook reads.
    let manifest: PodManifest?

    init(from json: inout JSONReader) throws {
        var copy = json
        let pod: PodServiceAccount = try json.read()
        (metadata, serviceAccountName) = (pod.metadata, pod.serviceAccountName)
        do {
            manifest = try PodManifest(from: &copy)
        } catch is JSONLimitExceeded {
            manifest = nil
        }
    }
}
