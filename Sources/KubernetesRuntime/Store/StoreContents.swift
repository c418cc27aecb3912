internal import KubernetesModel

/// The objects of a store and where to find them. A value: no locks, no time.
struct StoreContents<Resource: KubernetesResource> {
    private(set) var resources: [ObjectKey: Resource] = [:]
    private let indexes: [StoreIndex<Resource>]
    private var keysByIndex: [String: [String: Set<ObjectKey>]] = [:]

    init(indexes: [StoreIndex<Resource>]) {
        self.indexes = indexes
    }

    func keys(by index: String, _ value: String) -> Set<ObjectKey> {
        keysByIndex[index]?[value] ?? []
    }

    mutating func set(_ resource: Resource) -> StoreChange<Resource> {
        let old = resources.updateValue(resource, forKey: resource.key)
        if let old { forget(old) }
        for index in indexes {
            for value in index.values(resource) {
                keysByIndex[index.name, default: [:]][value, default: []].insert(resource.key)
            }
        }
        return StoreChange(key: resource.key, old: old, new: resource)
    }

    /// - Returns: `nil` if there was no such object.
    mutating func remove(_ key: ObjectKey) -> StoreChange<Resource>? {
        guard let old = resources.removeValue(forKey: key) else { return nil }
        forget(old)
        return StoreChange(key: key, old: old, new: nil)
    }

    /// Makes the contents be just these objects.
    ///
    /// - Returns: what that changed. Objects that are as they were are not among it.
    mutating func replace(with snapshot: [Resource]) -> [StoreChange<Resource>] {
        var changes: [StoreChange<Resource>] = []
        resources.reserveCapacity(snapshot.count)
        for resource in snapshot {
            let old = resources[resource.key]?.metadata
            if old?.uid != resource.metadata.uid || old?.resourceVersion != resource.metadata.resourceVersion {
                changes.append(set(resource))
            }
        }
        guard resources.count > snapshot.count else { return changes }
        let present = Set(snapshot.map(\.key))
        for key in resources.keys where !present.contains(key) {
            if let change = remove(key) { changes.append(change) }
        }
        return changes
    }

    private mutating func forget(_ resource: Resource) {
        for index in indexes {
            for value in index.values(resource) {
                keysByIndex[index.name]?[value]?.remove(resource.key)
                if keysByIndex[index.name]?[value]?.isEmpty == true {
                    keysByIndex[index.name]?[value] = nil
                }
            }
        }
    }
}
