import NIOCore

/// A review whose body arrives.
struct IncomingReview: Sendable {
    let webhook: Webhook
    let sender: AdmissionGate.Sender
    /// How long the handler may take once the body is there.
    let limit: Duration
    let beginning = ContinuousClock.now
    private(set) var body: [UInt8] = []
    /// The bytes that take room in the gate.
    private(set) var heldBytes = 0

    init(of webhook: Webhook, from sender: AdmissionGate.Sender, limit: Duration) {
        self.webhook = webhook
        self.sender = sender
        self.limit = limit
    }

    /// No more is reserved than arrives in any case: what a sender merely promises takes no room.
    mutating func expect(_ byteCount: Int) {
        body.reserveCapacity(min(byteCount, AdmissionGate.freeBytes))
    }

    /// How many bytes more will take room in the gate with these.
    func excess(with bytes: ByteBuffer) -> Int {
        max(0, body.count + bytes.readableBytes - AdmissionGate.freeBytes - heldBytes)
    }

    mutating func append(_ bytes: ByteBuffer) {
        heldBytes += excess(with: bytes)
        body.append(contentsOf: bytes.readableBytesView)
    }
}
