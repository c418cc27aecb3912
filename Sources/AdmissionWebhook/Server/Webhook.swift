/// What is served at one path.
struct Webhook: Sendable {
    let path: String
    let metrics: AdmissionMetrics
    private let makeReview: @Sendable (_ body: [UInt8], _ maximumDepth: Int) throws -> any ReviewInHand

    init(path: String, handler: some AdmissionHandler, metrics: AdmissionMetrics) {
        self.path = path
        self.metrics = metrics
        makeReview = { body, depth in try HandledReview(body, maximumDepth: depth, by: handler) }
    }

    /// - Throws: as `AdmissionReview.read` does.
    func read(_ body: [UInt8], maximumDepth: Int) throws -> any ReviewInHand {
        try makeReview(body, maximumDepth)
    }
}

/// A review that has been read, and whom to ask for the verdict.
protocol ReviewInHand: Sendable {
    var request: AdmissionRequest { get }
    /// Whether reviewing it takes so long that others should not have to wait for it.
    var isLaborious: Bool { get }
    func promptVerdict() throws -> AdmissionResponse?
    func verdict() async throws -> AdmissionResponse
}

/// Here ends what depends on the type of the handler's objects.
private struct HandledReview<Handler: AdmissionHandler>: ReviewInHand {
    private let content: AdmissionReview.Content<Handler.Object>
    private let handler: Handler

    init(_ body: [UInt8], maximumDepth: Int, by handler: Handler) throws {
        content = try AdmissionReview.read(body, objectsAs: Handler.Object.self, maximumDepth: maximumDepth)
        self.handler = handler
    }

    var request: AdmissionRequest { content.request }

    var isLaborious: Bool { content.object?.isLaborious == true || content.oldObject?.isLaborious == true }

    func promptVerdict() throws -> AdmissionResponse? {
        try handler.promptReview(content.request, of: content.object, replacing: content.oldObject)
    }

    func verdict() async throws -> AdmissionResponse {
        try await handler.review(content.request, of: content.object, replacing: content.oldObject)
    }
}
