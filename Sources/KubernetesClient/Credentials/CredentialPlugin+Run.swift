internal import JSON
internal import Subprocess
internal import SystemPackage

extension CredentialPlugin {
    private static let timeout = Duration.seconds(60)
    private static let maximumOutputSize = 1 << 20

    /// Runs the plug-in and reads what it prints.
    ///
    /// - Throws: a ``CredentialPluginFailure``, or a `CancellationError`.
    func run(for cluster: ClusterConfiguration) async throws -> ExecCredential {
        try await withThrowingTaskGroup(of: ExecCredential.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await runToEnd(for: cluster) }
            group.addTask {
                try await Task.sleep(for: Self.timeout)
                throw CredentialPluginFailure(self, "did not end within \(Self.timeout)")
            }
            guard let credential = try await group.next() else { throw CancellationError() }
            return credential
        }
    }

    private func runToEnd(for cluster: ClusterConfiguration) async throws -> ExecCredential {
        let request = ExecCredential.request(to: self, for: cluster).serializedString()
        let variables = environment.merging(["KUBERNETES_EXEC_INFO": request]) { _, ours in ours }
        let updates = variables.compactMap { name, value in
            Environment.Key(rawValue: name).map { ($0, String?.some(value)) }
        }
        do {
            let result = try await Subprocess.run(
                command.contains("/") ? .path(FilePath(command)) : .name(command),
                arguments: Arguments(arguments),
                environment: .inherit.updating(Dictionary(updates) { _, last in last }),
                output: .bytes(limit: Self.maximumOutputSize),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
            guard result.terminationStatus.isSuccess else {
                throw CredentialPluginFailure(self, "failed: \(result.terminationStatus)")
            }
            return try ExecCredential(output: result.standardOutput, of: self)
        } catch let error as SubprocessError {
            let hint = installHint.isEmpty ? "" : " (\(installHint))"
            throw CredentialPluginFailure(self, "could not be run: \(error)\(hint)")
        }
    }
}
