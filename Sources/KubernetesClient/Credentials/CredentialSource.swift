internal import KubernetesModel

/// What one request carries so that the server lets it in.
struct AccessCredentials: Sendable {
    var token: String?

    /// `nil`: the one of the configuration, if there is one.
    var clientCertificate: ClientCertificate?
}

/// Gives each attempt of a request the credentials that are good at that moment.
final class CredentialSource: Sendable {
    private enum Origin: Sendable {
        case fixed(AccessCredentials)
        case file(TokenFile)
        case plugin(PluginCredentials)
    }

    private let origin: Origin

    init(_ configuration: ClusterConfiguration, clock: any Clock<Duration> = .continuous) {
        let credentials = configuration.credentials
        origin =
            switch (credentials.plugin, credentials.token) {
            case (let plugin?, _): .plugin(PluginCredentials(plugin, for: configuration))
            case (nil, .file(let path)): .file(TokenFile(path: path, clock: clock))
            case (nil, .fixed(let token)): .fixed(AccessCredentials(token: token))
            case (nil, nil): .fixed(AccessCredentials())
            }
    }

    /// - Throws: a ``FileContents/Failure``, a ``CredentialPluginFailure`` or a `CancellationError`.
    func current() async throws -> AccessCredentials {
        switch origin {
        case .fixed(let credentials): credentials
        case .file(let file): AccessCredentials(token: try file.token())
        case .plugin(let plugin): try await plugin.current()
        }
    }

    /// The server did not take the last ones.
    ///
    /// - Returns: whether others can be had, so that it is worth asking again.
    func expire() async -> Bool {
        switch origin {
        case .fixed: return false
        case .file(let file): file.expire()
        case .plugin(let plugin): await plugin.expire()
        }
        return true
    }
}

/// The credentials that a plug-in has given, until they expire. However many requests wait for them, the plug-in runs
/// once at a time.
private actor PluginCredentials {
    private let plugin: CredentialPlugin
    private let configuration: ClusterConfiguration
    private var credential: ExecCredential?
    private var isRunning = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ plugin: CredentialPlugin, for configuration: ClusterConfiguration) {
        self.plugin = plugin
        self.configuration = configuration
    }

    func current() async throws -> AccessCredentials {
        await takeTurn()
        defer { passTurn() }
        // Whoever had the turn before may have brought what this one waits for.
        if let credential, credential.isValid(at: .now) { return credential.access }
        try Task.checkCancellation()
        let credential = try await plugin.run(for: configuration)
        self.credential = credential
        return credential.access
    }

    func expire() {
        credential = nil
    }

    private func takeTurn() async {
        guard isRunning else {
            isRunning = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    /// The turn goes straight to the next one, so that nobody can come between.
    private func passTurn() {
        if waiting.isEmpty {
            isRunning = false
        } else {
            waiting.removeFirst().resume()
        }
    }
}

extension ExecCredential {
    fileprivate var access: AccessCredentials {
        AccessCredentials(token: token, clientCertificate: clientCertificate)
    }
}
