import FoundationEssentials
import JSON
import Testing

@testable import AdmissionWebhook

@Suite("AdmissionResponse") struct AdmissionResponseTests {
    @Test("allows, and says no more than it has to")
    func allowed() {
        let text = String(decoding: AdmissionResponse.allowed().review(uid: "1"), as: UTF8.self)
        #expect(
            text == """
                {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"1","allowed":true}}
                """)
    }

    @Test("treats an empty patch as none")
    func emptyPatch() {
        let response = AdmissionResponse.allowed(patch: JSONPatch())
        #expect(response.review(uid: "1") == AdmissionResponse.allowed().review(uid: "1"))
    }

    @Test("carries its patch in Base64")
    func patch() throws {
        var patch = JSONPatch()
        patch.add("ünïcode \"quoted\"\n", at: JSONPointer("metadata", "annotations", "lanyard.dev/injected"))
        let json = try json(of: .allowed(patch: patch))
        #expect(json["response"]?["patchType"]?.string == "JSONPatch")
        let encoded = try #require(json["response"]?["patch"]?.string)
        let decoded = try #require(Data(base64Encoded: encoded))
        #expect(try JSONValue(parsing: [UInt8](decoded)) == patch.json)
    }

    @Test("encodes every length as RFC 4648 does", arguments: 0..<64)
    func base64(_ length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + 200) }
        var output: [UInt8] = []
        bytes.writeBase64(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == Data(bytes).base64EncodedString())
    }

    @Test("refuses with a status, and drops the patch")
    func refused() throws {
        var response = AdmissionResponse.refused("no ServiceAccount 'a\"b'", warnings: ["careful"])
        response.patch = JSONPatch([.remove(JSONPointer("spec"))])
        response.auditAnnotations = ["decision": "refused"]
        let body = try #require(try json(of: response)["response"])
        #expect(body["allowed"]?.bool == false)
        #expect(
            body["status"] == [
                "status": "Failure", "message": "no ServiceAccount 'a\"b'", "reason": "Forbidden", "code": 403,
            ])
        #expect(body["patch"] == nil && body["patchType"] == nil)
        #expect(body["warnings"] == ["careful"])
        #expect(body["auditAnnotations"] == ["decision": "refused"])
    }

    @Test("echoes the uid, whatever it is", arguments: ["1", "\"},{\"", "\u{0}\u{1F600}"])
    func uid(_ uid: String) throws {
        let json = try JSONValue(parsing: AdmissionResponse.allowed().review(uid: uid))
        #expect(json["response"]?["uid"]?.string == uid)
    }

    private func json(of response: AdmissionResponse) throws -> JSONValue {
        try JSONValue(parsing: response.review(uid: "1"))
    }
}
