import JSON
import KubernetesModel
import Testing

@testable import KubernetesClient

@Suite("Client", .timeLimit(.minutes(5)))
struct KubernetesClientTests {
    let key = ObjectKey(namespace: "shop", name: "web")

    func client(_ transport: CannedTransport) -> KubernetesClient {
        KubernetesClient(transport: transport, fieldManager: "me")
    }

    @Test("reads an object, however its bytes arrive")
    func get() async throws {
        let transport = CannedTransport(200, #"{"metadata":{"na"#, #"me":"web"#, #"","namespace":"shop"}}"#)
        let account = try await client(transport).get(ServiceAccount.self, key)
        #expect(account.key == key)
    }

    @Test("says what it was doing and why the server refused")
    func refusal() async throws {
        let body = #"{"kind":"Status","code":403,"reason":"Forbidden","message":"no access"}"#
        let error = await #expect(throws: KubernetesError.self) {
            try await client(CannedTransport(403, body)).list(ServiceAccount.self)
        }
        #expect(error?.description == "list serviceaccounts in all namespaces: Forbidden: no access")
        #expect(error?.status?.code == 403)
        #expect(error?.isRetryable == false)
    }

    @Test("takes a refusal that is not JSON")
    func textRefusal() async throws {
        let error = await #expect(throws: KubernetesError.self) {
            try await client(CannedTransport(503, "upstream down")).get(ServiceAccount.self, key)
        }
        #expect(error?.description == "get serviceaccounts shop/web: HTTP 503: upstream down")
        #expect(error?.isRetryable == true)
    }

    @Test("passes on how long the server wants to be left alone, as a header or in the body")
    func retryAfter() async throws {
        let header = CannedTransport([.init(statusCode: 429, retryAfter: .seconds(7), chunks: [])])
        let body = CannedTransport(429, #"{"code":429,"details":{"retryAfterSeconds":3}}"#)
        for (transport, expected) in [(header, Duration.seconds(7)), (body, .seconds(3))] {
            let error = await #expect(throws: KubernetesError.self) {
                try await client(transport).get(ServiceAccount.self, key)
            }
            #expect(error?.retryAfter == expected)
            #expect(error?.isTooManyRequests == true)
        }
    }

    @Test("takes what is not there as such")
    func absent() async throws {
        let body = #"{"kind":"Status","code":404,"reason":"NotFound"}"#
        #expect(try await client(CannedTransport(404, body)).getIfPresent(ServiceAccount.self, key) == nil)
        #expect(try await client(CannedTransport(404, "nothing here")).servedResources(of: "a/v1") == nil)
    }

    @Test("says so if an answer is not what Kubernetes answers")
    func invalid() async throws {
        let error = await #expect(throws: KubernetesError.self) {
            try await client(CannedTransport(200, "<html>")).get(ServiceAccount.self, key)
        }
        #expect(error?.code == .invalidResponse)
        #expect(error?.description.hasPrefix("get serviceaccounts shop/web: the answer cannot be read: ") == true)
    }

    @Test("does not hold an answer of any size")
    func tooLarge() async throws {
        let chunk = String(repeating: " ", count: 1 << 20)
        let transport = CannedTransport([.init(chunks: Array(repeating: chunk, count: 17))])
        let error = await #expect(throws: KubernetesError.self) {
            try await client(transport).get(ServiceAccount.self, key)
        }
        #expect(error?.code == .responseTooLarge)
    }

    @Test("reads page after page")
    func pages() async throws {
        let transport = CannedTransport([
            .init(chunks: [
                #"{"metadata":{"resourceVersion":"5","continue":"next"},"items":[{"metadata":{"name":"a"}}"#,
                #",{"metadata":{"name":"b"}}]}"#,
            ]),
            .init(chunks: [#"{"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"c"}}]}"#]),
        ])
        let options = ListOptions(labelSelector: "app=web", resourceVersion: "0", limit: 2)
        let accounts = try await client(transport).list(ServiceAccount.self, in: "shop", options)
        #expect(accounts.map(\.metadata.name) == ["a", "b", "c"])
        #expect(
            transport.requests.map(\.target) == [
                "/api/v1/namespaces/shop/serviceaccounts?labelSelector=app%3Dweb&resourceVersion=0&limit=2",
                "/api/v1/namespaces/shop/serviceaccounts?labelSelector=app%3Dweb&limit=2&continue=next",
            ])
    }

    @Test("hands over the events of a watch, and throws the error that ends it")
    func watch() async throws {
        let transport = CannedTransport(
            200, #"{"type":"ADDED","object":{"metadata":{"resourceVersion":"6"}}}"# + "\n" + #"{"type":"BOO"#,
            #"KMARK","object":{"metadata":{"resourceVersion":"8"}}}"# + "\n",
            #"{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}"#)
        var versions: [String?] = []
        let error = await #expect(throws: KubernetesError.self) {
            let options = WatchOptions(resourceVersion: "5")
            try await client(transport).watch(ServiceAccount.self, options) { versions.append($0.resourceVersion) }
        }
        #expect(versions == ["6", "8"])
        #expect(error?.isGone == true)
        #expect(error?.description == "watch serviceaccounts in all namespaces: Expired: too old")
    }

    @Test("understands the versions that providers make of Kubernetes'")
    func version() async throws {
        let transport = CannedTransport(200, #"{"major":"1","minor":"29+","gitVersion":"v1.29.3-eks-adc7111"}"#)
        let version = try await client(transport).serverVersion()
        #expect(version == KubernetesVersion(major: 1, minor: 29, text: "v1.29.3-eks-adc7111"))
        #expect(version > KubernetesVersion(major: 1, minor: 20, text: ""))
    }

    @Test("lists what a group and version serve")
    func discovery() async throws {
        let body = #"{"resources":[{"name":"jobs","kind":"Job","namespaced":true,"verbs":["get"]}]}"#
        let transport = CannedTransport(200, body)
        let served = try await client(transport).servedResources(of: "batch/v1")
        #expect(served == [ServedResource(name: "jobs", kind: "Job", isNamespaced: true)])
        #expect(transport.requests.map(\.target) == ["/apis/batch/v1"])
    }

    @Test("writes in the name of its field manager")
    func fieldManager() async throws {
        let transport = CannedTransport(200, #"{"metadata":{"name":"web"}}"#)
        try await client(transport).apply(ServiceAccount.self, key, ["metadata": ["labels": ["a": "b"]]])
        #expect(transport.requests.first?.target.hasSuffix("?fieldManager=me&force=true") == true)
    }
}
