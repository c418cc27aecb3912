import KubernetesModel
import NIOCore
import Testing

@testable import KubernetesClient

@Suite("Framer of lists in Protocol Buffers")
struct ProtobufListFramerTests {
    static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
    }

    static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    static func item(_ name: String) -> [UInt8] { field(2, field(1, field(1, name))) }

    static let list = field(1, field(2, "7") + field(3, "next")) + item("a") + item("") + field(9, "new") + item("b")
    static let envelope = field(1, "kind") + field(2, list) + field(3, "") + field(4, "type")
    static let answer = Array("k8s\0".utf8) + envelope

    @Test("gives the same items wherever the bytes are cut", arguments: 0...answer.count)
    func cutsAnywhere(position: Int) throws {
        var framer = ProtobufListFramer()
        var names: [String] = []
        for part in [Self.answer[..<position], Self.answer[position...]] {
            try framer.append(ByteBuffer(bytes: part)) { names.append(try ObjectMetadata(partialObject: $0).name) }
        }
        #expect(names == ["a", "", "b"])
        #expect(try framer.finish() == ListMetadata(resourceVersion: "7", continueToken: "next"))
    }

    @Test("does not take a part of a list for the whole", arguments: 0..<answer.count - field(3, "").count - 6)
    func incomplete(length: Int) throws {
        var framer = ProtobufListFramer()
        try framer.append(ByteBuffer(bytes: Self.answer[..<length])) { _ in }
        #expect(throws: ProtobufError.self) { try framer.finish() }
    }

    @Test(
        "survives what is no list",
        arguments: [
            Array("{\"items\":[]}".utf8), Array("k8s\0".utf8) + [0x08, 1],
            Array("k8s\0".utf8) + field(2, [0x12, 0x09]),
            Array("k8s\0".utf8) + [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            Array("k8s\0".utf8) + field(2, [0x12, 0x02]) + [0, 0],
        ])
    func garbage(bytes: [UInt8]) {
        #expect(throws: ProtobufError.self) {
            var framer = ProtobufListFramer()
            try framer.append(ByteBuffer(bytes: bytes)) { _ in }
            _ = try framer.finish()
        }
    }

    @Test("refuses an item that is too long, before it has arrived")
    func limit() {
        var framer = ProtobufListFramer(limit: 10)
        let bytes = Array("k8s\0".utf8) + [0x12, 0x7F, 0x12, 0x40]
        #expect(throws: PartTooLong(limit: 10)) { try framer.append(ByteBuffer(bytes: bytes)) { _ in } }
    }

    @Test("the client reads what the server chose to send")
    func client() async throws {
        let transport = CannedTransport([
            .init(isProtobuf: true, chunks: [String(decoding: Self.answer, as: UTF8.self)]),
            .init(chunks: [#"{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"c"}}]}"#]),
        ])
        let client = KubernetesClient(transport: transport, fieldManager: "me")
        let pods = try await client.list(PartialObjectMetadata<Pod>.self)
        #expect(pods.map(\.metadata.name) == ["a", "", "b", "c"])
    }
}
