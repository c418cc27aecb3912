public import KubernetesModel
internal import Synchronization

/// The objects of one kind as this program knows them, to be read without waiting.
///
/// A copy is a reference to the same contents. One ``StoreWriter`` keeps them up to date, usually in a ``Reflector``. While
/// the API server is away, a store goes on answering with what it last knew.
public struct Store<Resource: KubernetesResource>: Sendable {
    let shared: SharedStore<Resource>

    public subscript(key: ObjectKey) -> Resource? {
        shared.state.withLock { $0.contents.resources[key] }
    }

    public var count: Int {
        shared.state.withLock { $0.contents.resources.count }
    }

    public var keys: [ObjectKey] {
        shared.state.withLock { Array($0.contents.resources.keys) }
    }

    /// All objects, in no particular order.
    public var resources: [Resource] {
        shared.state.withLock { Array($0.contents.resources.values) }
    }

    /// The objects that an index finds, in the order of their keys.
    ///
    /// - Parameter index: one of those that the store was made with. Others find nothing.
    public func resources(by index: StoreIndex<Resource>, _ value: String) -> [Resource] {
        shared.state.withLock { state in
            state.contents.keys(by: index.name, value).sorted().compactMap { state.contents.resources[$0] }
        }
    }

    public func keys(by index: StoreIndex<Resource>, _ value: String) -> [ObjectKey] {
        shared.state.withLock { $0.contents.keys(by: index.name, value) }.sorted()
    }

    /// Whether the store has been complete once. Before that, an object that is not in it may exist all the same.
    public var isSynced: Bool {
        shared.state.withLock { $0.isSynced }
    }

    /// Waits until the store is complete for the first time.
    ///
    /// - Throws: a `CancellationError` if the task is cancelled before.
    public func waitUntilSynced() async throws {
        try await shared.waitUntilSynced()
    }

    /// Calls `observer` for each change from now on, and at once for each object that is already there.
    ///
    /// The observer is called by whoever writes, which waits for it: it should do no more than note which key changed. What
    /// is true is in the store, which by then may be further on.
    public func observe(_ observer: @escaping @Sendable (StoreChange<Resource>) -> Void) {
        let resources = shared.state.withLock { state in
            state.observers.append(observer)
            return Array(state.contents.resources.values)
        }
        for resource in resources {
            observer(StoreChange(key: resource.key, old: nil, new: resource))
        }
    }
}

/// Fills a ``Store``. There is one for each store, and calls to it come one after the other.
public struct StoreWriter<Resource: KubernetesResource>: Sendable {
    public let store: Store<Resource>

    public init(indexes: [StoreIndex<Resource>] = []) {
        store = Store(shared: SharedStore(indexes: indexes))
    }

    public func set(_ resource: Resource) {
        update { [$0.set(resource)] }
    }

    public func remove(_ key: ObjectKey) {
        update { contents in contents.remove(key).map { [$0] } ?? [] }
    }

    /// Makes the store hold just these objects, and be complete.
    public func replace(with resources: [Resource]) {
        update { $0.replace(with: resources) }
        store.shared.synced()
    }

    private func update(_ change: (inout StoreContents<Resource>) -> [StoreChange<Resource>]) {
        let (changes, observers) = store.shared.state.withLock { (change(&$0.contents), $0.observers) }
        for change in changes {
            for observer in observers { observer(change) }
        }
    }
}

/// What the copies of a ``Store`` and its writer share.
final class SharedStore<Resource: KubernetesResource>: Sendable {
    struct State {
        var contents: StoreContents<Resource>
        var observers: [@Sendable (StoreChange<Resource>) -> Void] = []
        var isSynced = false
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var lastWaiter = 0
    }

    let state: Mutex<State>

    init(indexes: [StoreIndex<Resource>]) {
        state = Mutex(State(contents: StoreContents(indexes: indexes)))
    }

    func synced() {
        let waiting = state.withLock { state in
            state.isSynced = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    func waitUntilSynced() async throws {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.isSynced { return .success(()) }
                    // Cancellation marks the task before it calls the handler below, so it is noticed here or there.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[waiter] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume(throwing: CancellationError())
        }
    }
}
