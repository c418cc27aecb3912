internal import ArgumentParser
internal import Foundation
internal import JSON
internal import Logging
internal import WorkloadIdentity

struct Run: AsyncParsableCommand {
    enum Role: String, ExpressibleByArgument, CaseIterable {
        case all, webhook, controller

        var admits: Bool { self != .controller }
        var reports: Bool { self != .webhook }
    }

    static let configuration = CommandConfiguration(
        abstract: "Run the operator: webhook and controllers.",
        discussion: """
            In a pod it uses the pod's own credentials, elsewhere a kubeconfig. Outside the cluster the API server finds \
            the webhook by --webhook-url, and the command registers the webhook itself.

            Exit codes: 0 after SIGTERM or SIGINT; 1 if the cluster cannot be worked with; 2 for usage, a configuration or \
            a kubeconfig that cannot be read.
            """)

    @Option(help: "What to run: all, webhook or controller.")
    var role = Role.all

    @Option(
        help: ArgumentHelp(
            "A kubeconfig. Default: the pod's credentials, else the files of $KUBECONFIG, else ~/.kube/config.",
            valueName: "file"),
        completion: .file())
    var kubeconfig: String?

    @Option(
        help: ArgumentHelp(
            "The operator's own namespace, for its Secret and Lease. Default: the pod's, else lanyard-system.",
            valueName: "ns"))
    var namespace: String?

    @Option(help: ArgumentHelp("A configuration file (YAML).", valueName: "file"), completion: .file())
    var config: String?

    @Flag(help: "Print the configuration that is in force, with all defaults, and stop.")
    var printConfig = false

    @Option(
        help: ArgumentHelp(
            "Where the webhook listens (HTTPS). [::] is all addresses, those of IPv4 included.", valueName: "host:port")
    )
    var webhookAddress = SocketAddress(host: "::", port: 8443)

    @Option(help: ArgumentHelp("Where /metrics, /livez and /readyz are (HTTP).", valueName: "host:port"))
    var metricsAddress = SocketAddress(host: "::", port: 8080)

    @Option(
        help: ArgumentHelp(
            """
            Outside the cluster: the base URL by which the API server finds the webhook. Its host is in the \
            certificate.
            """,
            valueName: "url"))
    var webhookURL: String?

    @Option(
        help: ArgumentHelp(
            """
            Where cert-manager or others keep the webhook's certificate: tls.crt and tls.key, which are followed as they \
            change. They fill in each caBundle, too. Default: the operator sees to all that itself.
            """,
            valueName: "dir"),
        completion: .directory)
    var certificateDirectory: String?

    @Option(
        name: .customLong("client-ca"),
        help: ArgumentHelp(
            """
            Certificates of CAs (PEM): the webhook answers only who presents a certificate that one of them signed, as an API \
            server does whose AdmissionConfiguration says so. Default: it answers everybody who reaches it.
            """,
            valueName: "file"),
        completion: .file())
    var clientCA: String?

    @Option(help: "The least severe records to log: \(Logger.Level.names).", transform: Logger.Level.named)
    var logLevel = Logger.Level.info

    func validate() throws {
        guard certificateDirectory == nil || webhookURL == nil else {
            throw ValidationError(
                """
                --certificate-directory and --webhook-url exclude each other: what registers itself makes its own \
                certificate
                """)
        }
        guard let webhookURL else { return }
        guard webhookURL.hasPrefix("https://"), let host = URL(string: webhookURL)?.host(), !host.isEmpty else {
            throw ValidationError("--webhook-url \(webhookURL): write a URL such as https://10.0.0.5:8443")
        }
    }

    func run() async throws {
        let configuration = try ConfigurationFile.read(config)
        if printConfig {
            try StandardOutput.write(try YAML.text(of: configuration.json))
            return
        }
        try await Application(options: self, configuration: configuration).run()
    }
}

extension Logger.Level {
    fileprivate static let names = allCases.map(\.rawValue).joined(separator: ", ")

    @Sendable fileprivate static func named(_ name: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: name) else {
            throw ValidationError("--log-level \(name) is not known; write one of \(names)")
        }
        return level
    }
}
