import Foundation
import JSON

/// The control plane that `hack/test` has started, worked with by kubectl as people do.
struct ControlPlane {
    let kubeconfig: String
    let folder: String
    let kubectl: String
    let lanyard: String
    let repository: String

    /// Why these tests do not run, if they do not.
    static let absence = "needs a control plane; run hack/test"

    static var isPresent: Bool { shared != nil }

    static let shared: ControlPlane? = {
        let environment = ProcessInfo.processInfo.environment
        guard let kubeconfig = environment["E2E_KUBECONFIG"], let folder = environment["E2E_CONTROL_PLANE"],
            let kubectl = environment["E2E_KUBECTL"], let lanyard = environment["E2E_LANYARD"]
        else { return nil }
        return ControlPlane(
            kubeconfig: kubeconfig, folder: folder, kubectl: kubectl, lanyard: lanyard,
            repository: FileManager.default.currentDirectoryPath)
    }()

    static func require() throws -> ControlPlane {
        guard let shared else { throw CommandFailure(description: absence) }
        return shared
    }

    // MARK: kubectl

    /// - Throws: if kubectl fails, with what it said.
    @discardableResult
    func kubectl(_ arguments: String..., input: String = "") async throws -> CommandResult {
        let result = try await tryKubectl(arguments, input: input)
        guard result.exitCode == 0 else {
            throw CommandFailure(description: "kubectl \(arguments.joined(separator: " ")): \(result.errors)")
        }
        return result
    }

    func tryKubectl(_ arguments: [String], input: String = "") async throws -> CommandResult {
        try await Command.run(kubectl, ["--kubeconfig", kubeconfig] + arguments, input: input)
    }

    /// An object, or a List of them.
    func get(_ arguments: String...) async throws -> JSONValue {
        let result = try await tryKubectl(["get", "-o", "json"] + arguments)
        guard result.exitCode == 0 else {
            throw CommandFailure(description: "kubectl get \(arguments.joined(separator: " ")): \(result.errors)")
        }
        return try JSONValue(parsing: Array(result.output.utf8))
    }

    @discardableResult
    func apply(_ manifest: String) async throws -> CommandResult {
        try await kubectl("apply", "-f", "-", input: manifest)
    }

    /// A namespace for one test.
    func namespace(labels: [String: String] = [:]) async throws -> String {
        let name = "t-" + UUID().uuidString.prefix(8).lowercased()
        let labels = labels.map { "\($0.key): \"\($0.value)\"" }.joined(separator: ", ")
        try await apply(
            """
            apiVersion: v1
            kind: Namespace
            metadata: {name: \(name), labels: {\(labels)}}
            """)
        _ = try await eventually("ServiceAccount default in \(name)") {
            try await get("serviceaccount", "default", "-n", name)
        }
        return name
    }

    // MARK: Accidents

    func script(_ arguments: String...) async throws {
        let result = try await Command.run("\(repository)/hack/control-plane", arguments + [folder])
        guard result.exitCode == 0 else {
            throw CommandFailure(
                description: "hack/control-plane \(arguments.joined(separator: " ")): \(result.errors)")
        }
    }
}
