import JSON
import KubernetesModel
import Testing

@testable import KubernetesClient

@Suite("In-cluster configuration")
struct InClusterTests {
    let environment = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]

    @Test("is there only in a pod")
    func notInCluster() throws {
        #expect(try ClusterConfiguration.inCluster(environment: [:]) == nil)
    }

    @Test(
        "comes from the environment and from kubelet's files",
        arguments: [("10.0.0.1", "10.0.0.1"), ("fd00::1", "[fd00::1]")])
    func reads(host: String, inURL: String) throws {
        let folder = try TemporaryFolder()
        let token = try folder.write("t\n", to: "token")
        try folder.write("CA", to: "ca.crt")
        try folder.write("shop", to: "namespace")
        var environment = environment
        environment["KUBERNETES_SERVICE_HOST"] = host
        let configuration = try ClusterConfiguration.inCluster(environment: environment, directory: folder.path)
        #expect(configuration?.server == "https://\(inURL):443")
        #expect(configuration?.certificateAuthority == Array("CA".utf8))
        #expect(configuration?.certificateAuthorityFile == "\(folder.path)/ca.crt")
        #expect(configuration?.namespace == "shop")
        #expect(configuration?.credentials.token == .file(token))
    }

    @Test("says what is missing in the pod")
    func missing() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try ClusterConfiguration.inCluster(environment: environment, directory: "/nowhere")
        }
        #expect(
            error?.description
                == "/nowhere/token: No such file or directory. "
                + "A pod gets this file unless automountServiceAccountToken is false")
        let noPort = #expect(throws: ConfigurationError.self) {
            try ClusterConfiguration.inCluster(environment: ["KUBERNETES_SERVICE_HOST": "h"])
        }
        #expect(noPort?.source == "KUBERNETES_SERVICE_PORT")
    }
}

@Suite("Token file")
struct TokenFileTests {
    @Test("is read again after a minute, and not before")
    func refresh() throws {
        let folder = try TemporaryFolder()
        let clock = StoppedClock()
        let file = TokenFile(path: try folder.write(" one \n", to: "token"), clock: clock)
        #expect(try file.token() == "one")
        try folder.write("two", to: "token")
        clock.advance(by: .seconds(59))
        #expect(try file.token() == "one")
        clock.advance(by: .seconds(1))
        #expect(try file.token() == "two")
    }

    @Test("is read again at once when the server did not take the token")
    func expire() throws {
        let folder = try TemporaryFolder()
        let file = TokenFile(path: try folder.write("one", to: "token"), clock: StoppedClock())
        #expect(try file.token() == "one")
        try folder.write("two", to: "token")
        file.expire()
        #expect(try file.token() == "two")
    }

    @Test("stands in with the last token while it cannot be read")
    func lastToken() throws {
        let folder = try TemporaryFolder()
        let clock = StoppedClock()
        let file = TokenFile(path: try folder.write("one", to: "token"), clock: clock)
        #expect(try file.token() == "one")
        folder.remove("token")
        clock.advance(by: .seconds(60))
        #expect(try file.token() == "one")
        try folder.write("", to: "token")
        clock.advance(by: .seconds(60))
        #expect(try file.token() == "one")
    }

    @Test("is an error if there has never been a token")
    func noToken() throws {
        let file = TokenFile(path: "/nowhere/token", clock: StoppedClock())
        for _ in 1...2 {
            let error = #expect(throws: FileContents.Failure.self) { try file.token() }
            #expect(error?.description == "/nowhere/token: No such file or directory")
        }
    }
}

@Suite("Credential plug-ins", .timeLimit(.minutes(5)))
struct CredentialPluginTests {
    static let version = "client.authentication.k8s.io/v1"
    static let faults: [([UInt8], String)] = [
        (Array("token: t".utf8), "printed something that is not JSON"),
        (Array("{}".utf8), "did not print an ExecCredential of client.authentication.k8s.io/v1"),
        (printed("{}"), "printed neither a token nor a client certificate"),
        (printed(#"{"clientKeyData":"K"}"#), "printed a client certificate without its key, or the reverse"),
        (
            printed(#"{"token":"SECRET","expirationTimestamp":"soon"}"#),
            "printed an expirationTimestamp that is not RFC 3339"
        ),
    ]

    let cluster = ClusterConfiguration(server: "https://h", certificateAuthority: Array("CA".utf8))

    static func printed(_ status: String) -> [UInt8] {
        Array(#"{"apiVersion":"\#(version)","kind":"ExecCredential","status":\#(status)}"#.utf8)
    }

    @Test("print a token or a client certificate, with its expiry")
    func output() throws {
        let plugin = CredentialPlugin(apiVersion: Self.version, command: "p")
        let token = try ExecCredential(
            output: Self.printed(#"{"token":"t","expirationTimestamp":"2024-02-29T12:34:56Z"}"#), of: plugin)
        #expect(token.token == "t")
        #expect(token.isValid(at: Timestamp(seconds: 1_709_210_085)))
        #expect(!token.isValid(at: Timestamp(seconds: 1_709_210_086)))
        let certificate = try ExecCredential(
            output: Self.printed(#"{"clientCertificateData":"C","clientKeyData":"K"}"#), of: plugin)
        #expect(certificate.clientCertificate?.privateKey == Array("K".utf8))
        #expect(certificate.isValid(at: Timestamp(seconds: .max)))
    }

    @Test("are not believed when they print something else", arguments: faults)
    func refuses(output: [UInt8], message: String) {
        let plugin = CredentialPlugin(apiVersion: Self.version, command: "p")
        let error = #expect(throws: CredentialPluginFailure.self) { try ExecCredential(output: output, of: plugin) }
        #expect(error?.message == "the credential plug-in p \(message)")
    }

    @Test("are told of the cluster if they want to be")
    func request() {
        var plugin = CredentialPlugin(apiVersion: Self.version, command: "p")
        #expect(ExecCredential.request(to: plugin, for: cluster)["spec"] == ["interactive": false])
        plugin.providesClusterInformation = true
        let information: JSONValue = ["server": "https://h", "certificate-authority-data": "Q0E="]
        #expect(ExecCredential.request(to: plugin, for: cluster)["spec"]?["cluster"] == information)
    }

    @Test("are run with their arguments and environment")
    func run() async throws {
        let folder = try TemporaryFolder()
        let script = """
            #!/bin/sh
            case "$KUBERNETES_EXEC_INFO" in *'"kind":"ExecCredential"'*) ;; *) exit 3 ;; esac
            printf '{"apiVersion":"%s","kind":"ExecCredential","status":{"token":"%s-%s"}}' '\(Self.version)' "$1" "$MODE"
            """
        var plugin = CredentialPlugin(
            apiVersion: Self.version, command: try folder.write(script, to: "plugin", isExecutable: true))
        plugin.arguments = ["a b"]
        plugin.environment = ["MODE": "m"]
        #expect(try await plugin.run(for: cluster).token == "a b-m")
    }

    @Test("that fail, or are not there, are errors that say so")
    func failures() async throws {
        var plugin = CredentialPlugin(apiVersion: Self.version, command: "false")
        let failed = await #expect(throws: CredentialPluginFailure.self) { try await plugin.run(for: cluster) }
        #expect(failed?.message.hasPrefix("the credential plug-in false failed: ") == true)
        plugin.command = "no-such-plugin"
        plugin.installHint = "apt install it"
        let absent = await #expect(throws: CredentialPluginFailure.self) { try await plugin.run(for: cluster) }
        #expect(absent?.message.hasPrefix("the credential plug-in no-such-plugin could not be run: ") == true)
        #expect(absent?.message.hasSuffix("(apt install it)") == true)
    }

    @Test("are run once for as long as what they print is good, and again when the server does not take it")
    func cache() async throws {
        let folder = try TemporaryFolder()
        let script = """
            #!/bin/sh
            echo run >> '\(folder.path)/runs'
            printf '{"apiVersion":"\(Self.version)","kind":"ExecCredential","status":{"token":"%s"}}' \
            $(wc -l < '\(folder.path)/runs')
            """
        try folder.write("", to: "runs")
        var configuration = cluster
        configuration.credentials.plugin = CredentialPlugin(
            apiVersion: Self.version, command: try folder.write(script, to: "plugin", isExecutable: true))
        let source = CredentialSource(configuration)
        let tokens = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 1...8 { group.addTask { try await source.current().token } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == ["1"])
        #expect(await source.expire())
        #expect(try await source.current().token == "2")
    }
}
