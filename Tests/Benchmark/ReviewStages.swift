import AdmissionWebhook
import Foundation
import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Operator
import PodInjection
import WorkloadIdentity

/// What a review takes by itself, without a connection: on one thread, with its plan in the cache.
///
/// The reviews are those that are sent to the webhook, and the stages are what the webhook does with each.
struct ReviewStages {
    enum Stage: String, CaseIterable {
        case read, decide, answer
        case all
    }

    private let bodies: [[UInt8]]
    private let mutator: PodMutator
    private let read: [AdmissionReview.Content<PodManifest>]
    private var decided: [AdmissionResponse] = []

    init(of size: Int, for demand: AdmissionReviews.Demand) async throws {
        bodies = AdmissionReviews.reviews(of: size, for: demand).map { $0.serialized() }
        let accounts = StoreWriter<ServiceAccount>()
        for object in AdmissionReviews.cluster where object["kind"] == "ServiceAccount" {
            accounts.set(try ServiceAccount(parsing: object.serialized()))
        }
        let stores = AdmissionStores(
            serviceAccounts: accounts.store, namespaces: StoreWriter<PartialObjectMetadata<Namespace>>().store,
            webhookConfigurations: StoreWriter<MutatingWebhookConfiguration>().store, services: [])
        mutator = PodMutator(
            planner: Planner(
                stores: stores, facts: .offline(.eks, isPublic: true), configuration: Configuration()),
            client: KubernetesClient(transport: NoServer(), fieldManager: "benchmark"))
        read = try bodies.map { try Self.read($0) }
        for content in read { decided.append(try await decide(content)) }
        guard decided.allSatisfy({ $0.patch != nil }) else { throw NothingInjected() }
    }

    private struct NothingInjected: Error {}

    // MARK: Measuring

    struct Cost {
        var nanoseconds: Double
        /// Of memory; `nil` if nobody counts them.
        var allocations: Double?
        var allocatedBytes: Double?
    }

    /// The least of several rounds, of processor time; what else this machine does makes it only larger.
    func cost(of stage: Stage, reviews: Int = 2000, rounds: Int = 9) async throws -> Cost {
        try await run(stage, reviews)
        var best = Double.infinity
        for _ in 0..<rounds {
            let start = processorTime()
            try await run(stage, reviews)
            best = min(best, Double(processorTime() - start))
        }
        let before = CountedAllocations.now
        try await run(stage, reviews)
        let after = CountedAllocations.now
        var cost = Cost(nanoseconds: best / Double(reviews))
        if let before, let after {
            cost.allocations = Double(after.number - before.number) / Double(reviews)
            cost.allocatedBytes = Double(after.bytes - before.bytes) / Double(reviews)
        }
        return cost
    }

    /// Puts some reviews through one stage, in turn.
    func run(_ stage: Stage, _ reviews: Int) async throws {
        for index in 0..<reviews {
            let index = index % bodies.count
            switch stage {
            case .read: use(try Self.read(bodies[index]))
            case .decide: use(try await decide(read[index]))
            case .answer: use(decided[index].review(uid: read[index].request.uid))
            case .all:
                let content = try Self.read(bodies[index])
                use(try await decide(content).review(uid: content.request.uid))
            }
        }
    }

    private static func read(_ body: [UInt8]) throws -> AdmissionReview.Content<PodManifest> {
        try AdmissionReview.read(body, objectsAs: PodManifest.self, maximumDepth: 128)
    }

    private func decide(_ content: AdmissionReview.Content<PodManifest>) async throws -> AdmissionResponse {
        try await mutator.review(content.request, of: content.object, replacing: content.oldObject)
    }

    private func processorTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// So that no compiler finds out that a result serves nobody.
@inline(never)
private func use<Result>(_ result: Result) { withExtendedLifetime(result) {} }

/// All that a review needs is known.
private struct NoServer: KubernetesTransport {
    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        throw KubernetesError(.connectionFailed, operation: request.operation, message: "there is no API server")
    }
}

/// What `allocations.c` has counted of this thread, on which all stages run.
private struct CountedAllocations {
    var number: UInt
    var bytes: UInt

    /// `nil` if it is not loaded.
    static var now: CountedAllocations? {
        guard let number = counter("counted_allocations"), let bytes = counter("counted_bytes") else { return nil }
        return CountedAllocations(number: number(), bytes: bytes())
    }

    private typealias Counter = @convention(c) () -> UInt

    private static func counter(_ name: String) -> Counter? {
        dlsym(UnsafeMutableRawPointer(bitPattern: 0), name).map { unsafeBitCast($0, to: Counter.self) }
    }
}
