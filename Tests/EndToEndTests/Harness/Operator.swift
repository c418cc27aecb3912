import AsyncHTTPClient
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import Subprocess
import SystemPackage

/// `lanyard run` as a process of its own.
struct Operator {
    let webhookPort: Int
    private let metricsPort: Int
    private let folder: URL

    /// What a test lets it run with.
    struct Settings {
        /// The configuration file; `platform` first.
        var configuration = "{platform: eks, issuer: {public: true}}"
        /// Whether it registers its webhooks, by URL; otherwise they are installed already, and it is not called.
        var registersItself = true
        /// Where somebody else keeps its certificate.
        var certificateDirectory: String?
        var logLevel = "debug"

        static func platform(_ name: String) -> Settings {
            Settings(configuration: "{platform: \(name), issuer: {public: true}}")
        }
    }

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("lanyard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        webhookPort = try Self.freePort()
        metricsPort = try Self.freePort()
    }

    /// Runs it for as long as `body` does. By then it is ready, and the API server calls it.
    ///
    /// - Parameter isReady: false for what cannot get ready.
    static func running<Value: Sendable>(
        _ settings: Settings = Settings(), isReady: Bool = true, _ body: (ControlPlane, Operator) async throws -> Value
    ) async throws -> Value {
        let plane = try ControlPlane.require()
        let running = try Operator()
        defer { try? FileManager.default.removeItem(at: running.folder) }
        do {
            return try await running.run(plane, settings) {
                if isReady { try await running.waitUntilReady() }
                if settings.registersItself { try await plane.waitUntilAdmitting() }
                return try await body(plane, running)
            }
        } catch {
            throw CommandFailure(description: "\(error)\nthe operator's log ends:\n\(running.logTail)")
        }
    }

    private func run<Value: Sendable>(
        _ plane: ControlPlane, _ settings: Settings, _ body: () async throws -> Value
    ) async throws -> Value {
        let configuration = folder.appendingPathComponent("config.yaml").path
        try settings.configuration.write(toFile: configuration, atomically: true, encoding: .utf8)
        let kubeconfig = folder.appendingPathComponent("kubeconfig").path
        let credentials = try await plane.operatorCredentials().serializedString()
        try credentials.write(toFile: kubeconfig, atomically: true, encoding: .utf8)

        let log = try FileDescriptor.open(
            FilePath(folder.appendingPathComponent("log").path), .writeOnly, options: [.create],
            permissions: .ownerReadWrite)
        var arguments = [
            "run", "--kubeconfig", kubeconfig, "--namespace", "lanyard-system", "--config", configuration,
            "--webhook-address", "127.0.0.1:\(webhookPort)", "--metrics-address", "127.0.0.1:\(metricsPort)",
            "--log-level", settings.logLevel,
        ]
        if let directory = settings.certificateDirectory { arguments += ["--certificate-directory", directory] }
        if settings.registersItself { arguments += ["--webhook-url", "https://127.0.0.1:\(webhookPort)"] }
        let result = try await Subprocess.run(
            .path(FilePath(plane.lanyard)), arguments: Arguments(arguments),
            environment: Command.environment(), input: .none, output: .discarded,
            error: .fileDescriptor(log, closeAfterSpawningProcess: true)
        ) { execution in
            let outcome: Result<Value, any Error>
            do {
                outcome = .success(try await body())
            } catch {
                outcome = .failure(error)
            }
            // As Kubernetes stops a pod.
            try execution.send(signal: .terminate)
            return outcome
        }
        let value = try result.closureResult.get()
        guard result.terminationStatus.isSuccess else {
            throw CommandFailure(description: "the operator ended with \(result.terminationStatus)")
        }
        return value
    }

    // MARK: HTTP

    func waitUntilReady(within limit: Duration = .seconds(20)) async throws {
        try await eventually(within: limit, "ready") {
            let (status, body) = try await get("/readyz?verbose")
            guard status == 200 else { throw CommandFailure(description: "/readyz: \(status) \(body)") }
        }
    }

    func get(_ path: String) async throws -> (status: UInt, body: String) {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: "http://127.0.0.1:\(metricsPort)\(path)"), timeout: .seconds(5))
        return (response.status.code, String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    var log: String {
        (try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)) ?? ""
    }

    var logTail: String { log.split(separator: "\n").suffix(25).joined(separator: "\n") }

    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw CommandFailure(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

extension ControlPlane {
    /// The API server takes a moment to notice registrations: until a pod that is only tried is injected, and a
    /// ServiceAccount validated.
    func waitUntilAdmitting() async throws {
        try await apply(
            """
            apiVersion: v1
            kind: Namespace
            metadata: {name: probe}
            """)
        try await apply(Manifest.bedrock(in: "probe"))
        try await eventually("the API server calls the webhook") {
            let tried = try await kubectl(
                "apply", "--dry-run=server", "-o", "json", "-f", "-", input: Manifest.pod(in: "probe"))
            let pod = try JSONValue(parsing: Array(tried.output.utf8))
            if pod.annotations["lanyard.dev/injected"] == nil { throw CommandFailure(description: "not injected") }
            let validated = try await kubectl(
                "apply", "--dry-run=server", "-f", "-",
                input: Manifest.serviceAccount("probe", in: "probe", ["lanyard.dev/provider": "probe"]))
            if !validated.errors.contains("lanyard.dev/provider") { throw CommandFailure(description: "not validated") }
        }
    }

    /// What the operator may do is what the manifests let its ServiceAccount do, so that a right which they lack is noticed.
    /// Registering itself by URL is the one thing more.
    fileprivate func operatorCredentials() async throws -> JSONValue {
        for file in ["namespace", "crd", "service-account", "rbac", "secret-delivery", "healing", "plan-sets"] {
            try await kubectl("apply", "-f", "\(repository)/manifests/\(file).yaml")
        }
        try await apply(
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: lanyard-registrar}
            rules:
              - apiGroups: [admissionregistration.k8s.io]
                resources: [mutatingwebhookconfigurations, validatingwebhookconfigurations]
                verbs: [create]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: lanyard-registrar}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: lanyard-registrar}
            subjects: [{kind: ServiceAccount, name: lanyard, namespace: lanyard-system}]
            """)
        let request: JSONValue = [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": ["expirationSeconds": 7200],
        ]
        let answer = try await kubectl(
            "create", "--raw", "/api/v1/namespaces/lanyard-system/serviceaccounts/lanyard/token", "-f", "-",
            input: request.serializedString())
        let token = try JSONValue(parsing: Array(answer.output.utf8)).at("status", "token")
        let administrator = try await kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        var credentials = try JSONValue(parsing: Array(administrator.output.utf8))
        let user = credentials.at("contexts", "0", "context", "user") ?? .null
        credentials["users"] = [["name": user, "user": ["token": token ?? .null]]]
        return credentials
    }
}
