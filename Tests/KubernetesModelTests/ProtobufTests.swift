import JSON
import KubernetesModel
import Testing

/// Writes messages as a server does.
enum Protobuf {
    static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(content.count)) + content
    }

    static func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
    static func field(_ number: UInt64, _ value: Int) -> [UInt8] { varint(number << 3) + varint(UInt64(value)) }
}

@Suite("Protocol Buffers")
struct ProtobufTests {
    static let owner =
        Protobuf.field(1, "ReplicaSet") + Protobuf.field(3, "web") + Protobuf.field(4, "u2")
        + Protobuf.field(5, "apps/v1") + Protobuf.field(6, 1) + Protobuf.field(7, 1)
    static let metadata =
        Protobuf.field(1, "web-1") + Protobuf.field(2, "web-") + Protobuf.field(3, "shop") + Protobuf.field(5, "u1")
        + Protobuf.field(6, "42") + Protobuf.field(7, 3) + Protobuf.field(8, Protobuf.field(1, 1_709_210_096))
        + Protobuf.field(9, [UInt8]()) + Protobuf.field(10, 30)
        + Protobuf.field(11, Protobuf.field(1, "app") + Protobuf.field(2, "web"))
        + Protobuf.field(12, Protobuf.field(1, "a") + Protobuf.field(2, "b"))
        + Protobuf.field(
            12, Protobuf.field(1, "kubectl.kubernetes.io/last-applied-configuration") + Protobuf.field(2, "{}"))
        + Protobuf.field(13, owner) + Protobuf.field(17, "managed")

    @Test("of a pod it is read as whom it runs, and nothing else of its specification")
    func readsServiceAccount() throws {
        let spec = Protobuf.field(2, Protobuf.field(1, "main")) + Protobuf.field(8, "llm") + Protobuf.field(9, "old")
        let bytes = Protobuf.field(1, Self.metadata) + Protobuf.field(2, spec) + Protobuf.field(3, "status")
        let pod = try #require(try PodServiceAccount.item(protobuf: bytes))
        #expect(pod.serviceAccountName == "llm" && pod.metadata.controller?.uid == "u2")
    }

    @Test("metadata is read as it is from JSON")
    func readsMetadata() throws {
        let metadata = try ObjectMetadata(partialObject: Protobuf.field(1, Self.metadata))
        let json = """
            {"name":"web-1","namespace":"shop","uid":"u1","resourceVersion":"42","generation":3,
             "creationTimestamp":"2024-02-29T12:34:56Z","labels":{"app":"web"},"annotations":{"a":"b"},
             "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"u2","controller":true}]}
            """
        #expect(try metadata == ObjectMetadata(parsing: Array(json.utf8)))
    }

    @Test("a message that is cut off is an error", arguments: 0..<metadata.count)
    func isCutOff(length: Int) {
        #expect(throws: ProtobufError.self) {
            try ObjectMetadata(partialObject: Array(Protobuf.field(1, Self.metadata).prefix(length + 2)))
        }
    }

    @Test(
        "what is no message is an error",
        arguments: [
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x0A, 0x02, 0x0A],
            [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x0B], [0x0D, 1, 2],
            [0x09, 1], [0x0A, 0x03, 0x0A, 0x01, 0xFF],
        ])
    func isNoMessage(bytes: [UInt8]) {
        #expect(throws: ProtobufError.self) { try ObjectMetadata(partialObject: bytes) }
    }

    @Test("a refusal is read with its causes")
    func readsStatus() throws {
        let cause = Protobuf.field(1, "R") + Protobuf.field(2, "bad") + Protobuf.field(3, "spec.x")
        let details = Protobuf.field(1, "x") + Protobuf.field(4, cause) + Protobuf.field(5, 3)
        let object =
            Protobuf.field(2, "Failure") + Protobuf.field(3, "m") + Protobuf.field(4, "Expired")
            + Protobuf.field(5, details) + Protobuf.field(6, 410)
        let kind = Protobuf.field(1, Protobuf.field(1, "v1") + Protobuf.field(2, "Status"))
        let status = try APIStatus(protobufAnswer: Array("k8s\0".utf8) + kind + Protobuf.field(2, object))
        #expect(status.code == 410)
        #expect(status.reason == "Expired")
        #expect(status.message == "m")
        #expect(status.retryAfterSeconds == 3)
        #expect(status.causes.map(\.field) == ["spec.x"])
        #expect(throws: ProtobufError.self) { try APIStatus(protobufAnswer: Array("{}".utf8)) }
    }
}
