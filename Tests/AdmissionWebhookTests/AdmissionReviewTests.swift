import JSON
import Testing

@testable import AdmissionWebhook

@Suite("AdmissionReview") struct AdmissionReviewTests {
    private func read(_ body: [UInt8]) throws -> AdmissionReview.Content<WholeObject> {
        try AdmissionReview.read(body, objectsAs: WholeObject.self, maximumDepth: 128)
    }

    @Test("is read with what handlers need, and the rest is skipped")
    func read() throws {
        let review = try read(review())
        let request = review.request
        #expect(request.uid == "8c3a8f6e-2f5c-4f1e-9d0b-3b1a5d6c7e8f")
        #expect(request.kind == AdmissionRequest.Kind(version: "v1", kind: "Pod"))
        #expect(request.resource == AdmissionRequest.Resource(version: "v1", resource: "pods"))
        #expect(request.namespace == "shop")
        #expect(request.name.isEmpty && request.subResource.isEmpty)
        #expect(request.operation == .create)
        #expect(!request.dryRun)
        #expect(review.object?.value["kind"]?.string == "Pod")
    }

    @Test("knows a node by its group, and Kubernetes' controllers by their names")
    func knowsWhoAsks() throws {
        func request(_ user: JSONValue) throws -> AdmissionRequest {
            try read(review((["request", "userInfo"], user))).request
        }
        #expect(
            try request(["username": "system:node:a", "groups": ["system:nodes", "system:authenticated"]]).isByNode)
        for groups in [["system:masters"], [], .null, ["system:nodes:x"]] as [JSONValue] {
            #expect(try !request(["username": "system:node:a", "groups": groups]).isByNode)
        }
        #expect(try request(["username": "system:serviceaccount:kube-system:job-controller"]).isByKubernetesController)
        #expect(try !request(["username": "job-controller"]).isByKubernetesController)
    }

    @Test("knows its operation", arguments: AdmissionRequest.Operation.allCases)
    func operation(_ operation: AdmissionRequest.Operation) throws {
        let body = review((["request", "operation"], .string(operation.rawValue)), (["request", "dryRun"], true))
        let request = try read(body).request
        #expect(request.operation == operation)
        #expect(request.dryRun)
    }

    @Test("of an update holds the object as it was, too")
    func update() throws {
        let old: JSONValue = ["kind": "Pod", "metadata": ["name": "before"]]
        let body = review((["request", "operation"], "UPDATE"), (["request", "oldObject"], old))
        #expect(try read(body).oldObject?.value == old)
        #expect(try read(review()).oldObject == nil)
    }

    @Test("does without what an API server may leave out or set to null")
    func sparse() throws {
        let body = Array(
            """
            {"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",
             "request":{"uid":"1","operation":"DELETE","name":null,"dryRun":null,"userInfo":null,"object":null}}
            """.utf8)
        let review = try read(body)
        #expect(review.request.operation == .delete)
        #expect(review.object == nil && review.oldObject == nil)
    }

    @Test(
        "that is malformed is an error that says what is wrong and where",
        arguments: [
            ("", "the admission review cannot be read: expected an object, found the end of the text at byte 0"),
            ("[]", "the admission review cannot be read: expected an object, found an array at byte 0"),
            ("{}", "kind is '', and must be 'AdmissionReview'"),
            ("null", "kind is '', and must be 'AdmissionReview'"),
            (#"{"kind":"Pod","apiVersion":"v1"}"#, "kind is 'Pod', and must be 'AdmissionReview'"),
            (
                #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}"#,
                "apiVersion 'admission.k8s.io/v1beta1' is not supported; 'admission.k8s.io/v1' is"
            ),
            (
                #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#,
                "the admission review has no request"
            ),
            (
                #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}"#,
                "the admission review has no request"
            ),
            (
                #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"operation":"CREATE"}}"#,
                "the admission review's request has no uid"
            ),
            (
                #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1"}}"#,
                "the admission review's request has no operation"
            ),
            (
                #"{"request":{"operation":"PATCH"}}"#,
                "operation 'PATCH' is not known; it must be one of CREATE, UPDATE, DELETE, CONNECT"
            ),
            (
                #"{"request":{"uid":7}}"#,
                "the admission review cannot be read: expected a string, found a number at byte 18"
            ),
            (
                #"{"request":{"object":{"a":}}}"#,
                "the admission review cannot be read: expected a value, found '}' at byte 26"
            ),
            (
                #"{"request":{"options":{"a":tru}}}"#,
                "the admission review cannot be read: expected a value, found a boolean at byte 27"
            ),
            (
                #"{"kind":"AdmissionReview"} {}"#,
                "the admission review cannot be read: expected the end of the text, found an object at byte 27"
            ),
        ])
    func malformed(_ body: String, _ message: String) {
        let error = #expect(throws: MalformedReview.self) {
            try read(Array(body.utf8))
        }
        #expect(error?.description == message)
    }

    @Test("that nests too deep is an error, whatever the depth", arguments: [128, 1_000_000])
    func deep(_ depth: Int) {
        let body = #"{"request":{"object":"# + String(repeating: "[", count: depth)
        let error = #expect(throws: MalformedReview.self) {
            try read(Array(body.utf8))
        }
        #expect(error?.description.contains("too deep") == true)
    }

    @Test("that is cut off anywhere, or has any one byte broken, is an error or a review, and never a trap")
    func corrupted() {
        let body = review()
        for offset in body.indices {
            #expect(throws: MalformedReview.self) {
                try read(Array(body[..<offset]))
            }
            for byte: UInt8 in [0x00, 0x22, 0x5C, 0x7B, 0x7D, 0xFF] {
                var broken = body
                broken[offset] = byte
                _ = try? read(broken)
            }
        }
    }

    @Test("names the requesting user by a stable hash, and nowhere in clear")
    func user() throws {
        let request = try read(review()).request
        #expect(request.userHash == "cde97f016fb6")
        #expect(!"\(request)".contains("replicaset-controller"))
        #expect(!String(reflecting: request).contains("replicaset-controller"))
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!dumped.contains("replicaset-controller"))
    }
}
