import JSON
import KubernetesModel
import Logging
import NIOHTTP1
import Synchronization
import Testing

@testable import KubernetesClient

@Suite("HTTP transport", .timeLimit(.minutes(5)))
struct HTTPClientTransportTests {
    static let account = #"{"metadata":{"name":"web","namespace":"shop"}}"#
    let key = ObjectKey(namespace: "shop", name: "web")

    func withClient(
        _ server: String, _ credentials: Credentials = Credentials(), _ body: (KubernetesClient) async throws -> Void
    ) async throws {
        let configuration = ClusterConfiguration(server: server, credentials: credentials)
        let transport = try HTTPClientTransport(configuration, logger: Logger(label: "test"))
        do {
            try await body(KubernetesClient(transport: transport, fieldManager: "me"))
        } catch {
            try await transport.shutdown()
            throw error
        }
        try await transport.shutdown()
    }

    @Test("sends a request as it is, with its credentials")
    func sends() async throws {
        let server = try await LocalServer { _, _ in .body(Self.account) }
        try await withClient(server.url + "/behind/a/proxy", Credentials(token: .fixed("t"))) { client in
            try await client.patch(ServiceAccount.self, key, .merge(["a": "b"]))
        }
        let request = try #require(server.requests.first)
        #expect(request.target == "/behind/a/proxy/api/v1/namespaces/shop/serviceaccounts/web?fieldManager=me")
        #expect(request.headers["Authorization"] == ["Bearer t"])
        #expect(request.headers["Content-Type"] == ["application/merge-patch+json"])
        #expect(request.headers["Accept"] == ["application/json"])
        #expect(request.body == #"{"a":"b"}"#)
        try await server.close()
    }

    @Test("reads a token again that the server does not take, and asks once more")
    func renewsToken() async throws {
        let folder = try TemporaryFolder()
        let token = try folder.write("old", to: "token")
        let server = try await LocalServer { request, _ in
            request.headers["Authorization"] == ["Bearer new"] ? .body(Self.account) : .body("", status: .unauthorized)
        }
        try await withClient(server.url, Credentials(token: .file(token))) { client in
            let error = await #expect(throws: KubernetesError.self) { try await client.get(ServiceAccount.self, key) }
            #expect(error?.isUnauthorized == true)
            #expect(server.requests.count == 2)
            try folder.write("new", to: "token")
            #expect(try await client.get(ServiceAccount.self, key).key == key)
        }
        #expect(server.requests.map { $0.headers["Authorization"] }.suffix(2) == [["Bearer old"], ["Bearer new"]])
        try await server.close()
    }

    @Test("does not ask twice with a token that cannot change")
    func fixedToken() async throws {
        let server = try await LocalServer { _, _ in .body("", status: .unauthorized) }
        try await withClient(server.url, Credentials(token: .fixed("t"))) { client in
            await #expect(throws: KubernetesError.self) { try await client.get(ServiceAccount.self, key) }
        }
        #expect(server.requests.count == 1)
        try await server.close()
    }

    @Test("a write whose permission ends between its header and its body is not done")
    func permission() async throws {
        let server = try await LocalServer { _, _ in .body(Self.account) }
        try await withClient(server.url) { client in
            let asked = Mutex(0)
            // How often it is asked before it is refused.
            for limit in 0...1 {
                let writer = client.writing {
                    asked.withLock { asked in
                        asked += 1
                        return asked <= limit
                    }
                }
                asked.withLock { $0 = 0 }
                let error = await #expect(throws: KubernetesError.self) {
                    try await writer.patch(ServiceAccount.self, key, .merge(["a": "b"]))
                }
                #expect(error?.code == .writingNotPermitted)
                #expect(asked.withLock { $0 } == limit + 1)
                #expect(server.requests.isEmpty)
            }
            let writer = client.writing { true }
            try await writer.patch(ServiceAccount.self, key, .merge(["a": "b"]))
            #expect(server.requests.map(\.body) == [#"{"a":"b"}"#])
            #expect(server.requests.first?.headers["Content-Length"] == ["9"])
        }
        try await server.close()
    }

    @Test("repeats a reading call, and no other, when the server closes a connection without a word")
    func repeatsReads() async throws {
        let server = try await LocalServer { _, count in count == 0 ? .close : .body(Self.account) }
        try await withClient(server.url) { client in
            let account = try await client.get(ServiceAccount.self, key)
            #expect(account.key == key)
        }
        let closing = try await LocalServer { _, _ in .close }
        try await withClient(closing.url) { client in
            let error = await #expect(throws: KubernetesError.self) {
                try await client.patch(ServiceAccount.self, key, .merge([:]))
            }
            #expect(error?.description == "patch serviceaccounts shop/web: the server closed the connection")
            #expect(error?.isRetryable == true)
        }
        #expect(closing.requests.count == 1)
        try await server.close()
        try await closing.close()
    }

    @Test("says that an answer broke off")
    func breaksOff() async throws {
        let server = try await LocalServer { _, _ in .breakOff(#"{"metadata":"#) }
        try await withClient(server.url) { client in
            let error = await #expect(throws: KubernetesError.self) { try await client.get(ServiceAccount.self, key) }
            #expect(error?.description == "get serviceaccounts shop/web: the server closed the connection")
        }
        try await server.close()
    }

    @Test("says that nobody listens")
    func refused() async throws {
        let server = try await LocalServer { _, _ in .close }
        let url = server.url
        try await server.close()
        try await withClient(url) { client in
            let error = await #expect(throws: KubernetesError.self) { try await client.list(ServiceAccount.self) }
            #expect(
                error?.description
                    == "list serviceaccounts in all namespaces: connect to \(url): connection refused")
            #expect(error?.code == .connectionFailed)
        }
    }

    @Test("passes on how long the server wants to be left alone")
    func retryAfter() async throws {
        let server = try await LocalServer { _, _ in .body("", status: .tooManyRequests) }
        try await withClient(server.url) { client in
            let error = await #expect(throws: KubernetesError.self) { try await client.get(ServiceAccount.self, key) }
            #expect(error?.retryAfter == .seconds(3))
        }
        try await server.close()
    }

    @Test("says that a token file is not there")
    func noToken() async throws {
        try await withClient("http://127.0.0.1:1", Credentials(token: .file("/nowhere/token"))) { client in
            let error = await #expect(throws: KubernetesError.self) { try await client.get(ServiceAccount.self, key) }
            #expect(error?.code == .credentialsUnavailable)
            #expect(
                error?.description
                    == "get serviceaccounts shop/web: /nowhere/token: No such file or directory")
        }
    }

    @Test("cannot be made with certificates that are none")
    func badCertificates() throws {
        let configuration = ClusterConfiguration(server: "https://h", certificateAuthority: Array("no PEM".utf8))
        let error = #expect(throws: ConfigurationError.self) {
            try HTTPClientTransport(configuration, logger: Logger(label: "test"))
        }
        #expect(error?.description.hasPrefix("https://h: the certificate authority is not usable PEM") == true)
    }

    @Test(
        "names the server as its certificate does, where that is another name",
        arguments: [
            ("https://10.0.0.1:6443", nil, "https://10.0.0.1:6443"),
            ("https://10.0.0.1:6443/x", "kubernetes", "https://kubernetes:6443/x"),
            ("https://host/x", "kubernetes", "https://kubernetes/x"),
            ("https://[fd00::1]:6443", "kubernetes", "https://kubernetes:6443"),
        ])
    func tlsServerName(server: String, name: String?, expected: String) {
        let configuration = ClusterConfiguration(server: server, tlsServerName: name)
        #expect(configuration.addressWithTLSServerName == expected)
    }
}
