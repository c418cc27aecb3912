import KubernetesModel
import Synchronization
import Testing

@testable import KubernetesRuntime

@Suite("Store", .timeLimit(.minutes(5)))
struct StoreTests {
    static let byColour = StoreIndex<ServiceAccount>("colour") { account in
        account.metadata.labels["colour"].map { [$0] } ?? []
    }

    let writer = StoreWriter<ServiceAccount>(indexes: [byColour])
    var store: Store<ServiceAccount> { writer.store }

    func account(_ name: String, version: Int = 1, colour: String? = nil) -> ServiceAccount {
        var metadata = ObjectMetadata(name: name, namespace: "n")
        metadata.uid = "uid-\(name)"
        metadata.resourceVersion = String(version)
        metadata.labels["colour"] = colour
        return ServiceAccount(metadata: metadata)
    }

    func key(_ name: String) -> ObjectKey { ObjectKey(namespace: "n", name: name) }

    @Test("finds objects by key and by index")
    func finds() {
        writer.set(account("b", colour: "red"))
        writer.set(account("a", colour: "red"))
        writer.set(account("c", colour: "blue"))
        #expect(store[key("a")]?.metadata.name == "a")
        #expect(store[key("x")] == nil)
        #expect(store.resources(by: Self.byColour, "red").map(\.metadata.name) == ["a", "b"])
        #expect(store.keys(by: Self.byColour, "blue") == [key("c")])
        #expect(store.resources(by: StoreIndex("other") { _ in [] }, "red").isEmpty)
    }

    @Test("follows an object from one index value to another, and out")
    func moves() {
        writer.set(account("a", colour: "red"))
        writer.set(account("a", version: 2, colour: "blue"))
        #expect(store.keys(by: Self.byColour, "red").isEmpty)
        #expect(store.keys(by: Self.byColour, "blue") == [key("a")])
        writer.remove(key("a"))
        writer.remove(key("a"))
        #expect(store.keys(by: Self.byColour, "blue").isEmpty)
        #expect(store.count == 0)
    }

    @Test("tells of what a new list changes, and of nothing else")
    func replaces() {
        writer.replace(with: [account("a"), account("b"), account("c")])
        let changes = Mutex<[String]>([])
        let isListening = Mutex(false)
        store.observe { change in
            guard isListening.withLock({ $0 }) else { return }
            let text = "\(change.key.name):\(change.old == nil ? "" : "old")-\(change.new == nil ? "" : "new")"
            changes.withLock { $0.append(text) }
        }
        isListening.withLock { $0 = true }
        writer.replace(with: [account("b"), account("c", version: 2), account("d")])
        #expect(changes.withLock { $0.sorted() } == ["a:old-", "c:old-new", "d:-new"])
        #expect(store.keys.sorted() == [key("b"), key("c"), key("d")])
    }

    @Test("takes an object that was deleted and made again under its name for another one")
    func recreated() {
        writer.replace(with: [account("a")])
        var other = account("a")
        other.metadata.uid = "another"
        writer.replace(with: [other])
        #expect(store[key("a")]?.metadata.uid == "another")
    }

    @Test("tells a late observer of what is already there")
    func lateObserver() {
        writer.set(account("a"))
        let keys = Mutex<[ObjectKey]>([])
        store.observe { change in keys.withLock { $0.append(change.key) } }
        writer.set(account("b"))
        #expect(keys.withLock { $0 } == [key("a"), key("b")])
    }

    @Test("lets wait until it is complete")
    func waits() async throws {
        #expect(!store.isSynced)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...3 { group.addTask { try await store.waitUntilSynced() } }
            await eventually { store.shared.state.withLock { $0.waiting.count } == 3 }
            writer.replace(with: [])
            try await group.waitForAll()
        }
        #expect(store.isSynced)
        try await store.waitUntilSynced()
    }

    @Test("lets nobody wait who is cancelled", arguments: [true, false])
    func cancels(isWaiting: Bool) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await store.waitUntilSynced()
                    return false
                } catch {
                    return error is CancellationError
                }
            }
            if isWaiting { await eventually { store.shared.state.withLock { $0.waiting.count } == 1 } }
            group.cancelAll()
            #expect(await group.next() == true)
        }
        #expect(store.shared.state.withLock { $0.waiting.isEmpty })
    }
}
