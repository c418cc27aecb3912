import NIOCore
import NIOHTTP1

/// What is sent back.
struct Answer: Sendable {
    let status: HTTPResponseStatus
    var headers: HTTPHeaders
    let body: ByteBuffer
    /// Whether it is the last one on its connection.
    private(set) var endsConnection = false

    init(_ status: HTTPResponseStatus, _ contentType: String, _ body: ByteBuffer) {
        self.status = status
        self.body = body
        headers = ["Content-Type": contentType, "Content-Length": String(body.readableBytes)]
    }

    /// The verdict on the review of a uid.
    init(_ verdict: AdmissionResponse, uid: String) {
        self.init(.ok, "application/json", ByteBuffer(bytes: verdict.review(uid: uid)))
    }

    mutating func endConnection() {
        guard !endsConnection else { return }
        endsConnection = true
        headers.add(name: "Connection", value: "close")
    }

    func endingConnection() -> Answer {
        var answer = self
        answer.endConnection()
        return answer
    }
}
