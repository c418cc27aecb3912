public import KubernetesClient
public import KubernetesModel
public import Logging
public import ServiceLifecycle
internal import Synchronization

/// Keeps a ``Store`` as the API server is, whatever happens to the server or the connection.
///
/// ```swift
/// let accounts = Reflector(ServiceAccount.self, client: client, logger: logger)
/// // run `accounts` as a service
/// try await accounts.store.waitUntilSynced()
/// ```
public final class Reflector<Resource: KubernetesResource>: Service {
    public let store: Store<Resource>

    private let writer: StoreWriter<Resource>
    private let client: KubernetesClient
    private let configuration: ReflectorConfiguration<Resource>
    private let logger: Logger
    private let stopwatch: Stopwatch
    private let machine = Mutex(ReflectorStateMachine())

    public init(
        _ type: Resource.Type = Resource.self, client: KubernetesClient,
        configuration: ReflectorConfiguration<Resource> = ReflectorConfiguration(), logger: Logger,
        clock: any Clock<Duration> = .continuous
    ) {
        self.client = client
        self.configuration = configuration
        writer = StoreWriter(indexes: configuration.indexes)
        store = writer.store
        stopwatch = Stopwatch(clock)
        var logger = logger
        logger[metadataKey: "k8s.resource"] = "\(configuration.resourceType.plural)"
        self.logger = logger
    }

    /// Follows the objects until the service is shut down.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
    }

    private func follow() async {
        var snapshot: [Resource] = []
        var action = machine.withLock { $0.start() }
        while !Task.isCancelled {
            switch action {
            case .list(let options):
                snapshot = []
                action = await list(options, into: &snapshot)
            case .listNextPage(let options):
                action = await list(options, into: &snapshot)
            case .watch(let resourceVersion, let timeout):
                action = await watch(from: resourceVersion, timeout: timeout)
            case .wait(let duration):
                try? await stopwatch.sleep(for: duration)
                action = machine.withLock { $0.waited(until: stopwatch.elapsed, chance: .chance) }
            }
        }
    }

    // MARK: Lists

    private func list(_ options: ListOptions, into snapshot: inout [Resource]) async -> ReflectorStateMachine.Action {
        var options = options
        options.labelSelector = configuration.labelSelector
        options.fieldSelector = configuration.fieldSelector
        do {
            let page = try await client.listPage(
                Resource.self, of: configuration.resourceType, in: configuration.namespace, options
            ) { resource in
                snapshot.append(stripped(resource))
            }
            let next = machine.withLock { $0.listed(page, at: stopwatch.elapsed, chance: .chance) }
            if case .watch = next { replaceStore(with: &snapshot) }
            return next
        } catch {
            report(error)
            return machine.withLock { $0.listFailed(ReflectorStateMachine.Failure(error), chance: .chance) }
        }
    }

    private func replaceStore(with snapshot: inout [Resource]) {
        let isFirst = !store.isSynced
        writer.replace(with: snapshot)
        snapshot = []
        logger.log(level: isFirst ? .info : .debug, "listed", metadata: ["k8s.objects": "\(store.count)"])
    }

    // MARK: Watches

    private func watch(from resourceVersion: String, timeout: Duration) async -> ReflectorStateMachine.Action {
        let options = WatchOptions(
            labelSelector: configuration.labelSelector, fieldSelector: configuration.fieldSelector,
            resourceVersion: resourceVersion, timeout: timeout)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await self.receiveEvents(options) }
                group.addTask { try await self.failAtSilence() }
                try await group.next()
            }
            return machine.withLock { $0.watchEnded(at: stopwatch.elapsed, chance: .chance) }
        } catch {
            report(error)
            return machine.withLock {
                $0.watchFailed(ReflectorStateMachine.Failure(error), at: stopwatch.elapsed, chance: .chance)
            }
        }
    }

    private func receiveEvents(_ options: WatchOptions) async throws {
        try await client.watch(
            Resource.self, of: configuration.resourceType, in: configuration.namespace, options
        ) { event in
            switch event {
            case .added(let resource), .modified(let resource): writer.set(stripped(resource))
            case .deleted(let resource): writer.remove(resource.key)
            case .bookmark, .error: break
            }
            machine.withLock { $0.heard(event, at: stopwatch.elapsed) }
        }
    }

    private func failAtSilence() async throws {
        while true {
            let patience = machine.withLock { $0.patience(at: stopwatch.elapsed) }
            guard patience > .zero else {
                throw KubernetesError(
                    .timedOut, operation: "watch \(configuration.resourceType.plural)",
                    message: "nothing was heard for too long")
            }
            // It may become shorter meanwhile, when the first bookmark comes.
            try await stopwatch.sleep(for: min(patience, ReflectorStateMachine.longestSilenceAfterBookmark))
        }
    }

    private func stripped(_ resource: Resource) -> Resource {
        guard let strip = configuration.strip else { return resource }
        var resource = resource
        strip(&resource)
        return resource
    }

    /// What the server forgot is fetched again at once: no news to anybody. The rest is.
    private func report(_ error: any Error) {
        if Task.isCancelled { return }
        let isRoutine = (error as? KubernetesError)?.isGone == true
        logger.log(level: isRoutine ? .debug : .warning, "lost touch with the API server", error: error)
    }
}

extension Double {
    static var chance: Double { .random(in: 0...1) }
}
