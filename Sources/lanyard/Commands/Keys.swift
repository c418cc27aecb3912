internal import ArgumentParser
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Operator
internal import WorkloadIdentity

struct Keys: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case script, json
    }

    static let configuration = CommandConfiguration(
        abstract: "Show the keys that verify the cluster's tokens, and bring them to the providers that need them.",
        discussion: """
            Some providers fetch the issuer's keys, others have a copy that people upload, which grows old when the cluster \
            gets another key. The command prints the keys with their fingerprints, and for each provider what there is to \
            do, as a shell script to be read and pasted. It takes the right to get /openid/v1/jwks and \
            /.well-known/openid-configuration.

            lanyard keys                                        the keys, and what every provider needs of them
            lanyard keys --provider google-vertex -o json       the set in the form in which Google takes it
            lanyard keys -o json                                the two documents by which an issuer is known, to host them
            lanyard keys --provider google-vertex --uploaded -f jwks.json
                                                                note that this file was uploaded

            What is noted stands in the ConfigMap lanyard-uploaded-keys in Lanyard's namespace; writing it takes the right \
            to create and patch it. The operator compares it with the cluster's keys.

            Exit codes: 0; 1 if the cluster cannot be asked or the note cannot be written; 2 for usage, input that cannot \
            be read, or output that cannot be written.
            """)

    @Option(
        help: "One provider. Default: all that verify tokens by the issuer's keys.",
        completion: .list(KeyVerifier.all.map(\.provider.rawValue)))
    var provider: String?

    @Flag(help: "Note that the keys were uploaded to the provider.")
    var uploaded = false

    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: ArgumentHelp(
            "With --uploaded: the file that was uploaded, or \"-\". Default: the keys that the API server shows now.",
            valueName: "file"),
        completion: .file())
    var file: String?

    @Option(
        help: ArgumentHelp(
            "With -o json: the URL below which the two documents will be. Default: the cluster's issuer.",
            valueName: "url"))
    var issuerURL: String?

    @Option(
        help: ArgumentHelp(
            "Where the operator and its ConfigMap are. Default: the pod's namespace, else lanyard-system.",
            valueName: "ns"))
    var operatorNamespace: String?

    @Option(help: ArgumentHelp("A configuration file (YAML).", valueName: "file"), completion: .file())
    var config: String?

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.script

    func validate() throws {
        if let provider, verifier == nil {
            let known = KeyVerifier.all.map(\.provider.rawValue).joined(separator: ", ")
            throw ValidationError(
                "--provider \(provider): no token is verified by the issuer's keys there; write one of \(known)")
        }
        if uploaded {
            guard let verifier else { throw ValidationError("--uploaded: say to whom, with --provider") }
            guard verifier.takesUploads else {
                throw ValidationError("--uploaded: \(verifier.name) fetches the keys, and takes none that are uploaded")
            }
        } else if file != nil {
            throw ValidationError("-f is for --uploaded")
        }
        if let issuerURL, !issuerURL.hasPrefix("https://") {
            throw ValidationError("--issuer-url \(issuerURL): write a URL that begins with https://")
        }
    }

    func run() async throws {
        // Files first: one that cannot be read is the caller's mistake, whatever the cluster says.
        let configuration = try ConfigurationFile.read(config)
        let file = try fileKeys()
        let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
        let namespace = operatorNamespace ?? cluster.namespaceInPod ?? ControllerLease.defaultNamespace
        try await Cluster.withClient(cluster) { client in
            let keys = try await client.issuerKeys()
            if let verifier, uploaded {
                try await note(file ?? keys, of: keys, for: verifier, in: namespace, by: client)
            } else if output == .json {
                try await printJSON(keys, by: client)
            } else {
                let review = KeyReview(
                    keys: keys, uploaded: try await notes(in: namespace, by: client),
                    facts: try await Cluster.facts(client, configuration, .silent))
                try StandardOutput.write(KeyReport(review, for: verifier.map { [$0] } ?? KeyVerifier.all).script)
            }
        }
    }

    private var verifier: KeyVerifier? { KeyVerifier.all.first { $0.provider.rawValue == provider } }

    private func fileKeys() throws(UsageProblem) -> IssuerKeySet? {
        guard let file else { return nil }
        let text = try InputFile.text(of: file)
        guard let json = try? JSONValue(parsing: Array(text.utf8)), let set = IssuerKeySet(document: json),
            !set.keys.isEmpty
        else { throw UsageProblem("\(file): is no JSON Web Key Set, as lanyard keys -o json writes it") }
        return set
    }

    private func printJSON(_ keys: IssuerKeySet, by client: KubernetesClient) async throws {
        let json: JSONValue
        if let verifier, verifier.takesUploads {
            json = keys.json(for: verifier.provider)
        } else {
            json = KeyReport.documents(keys, discovery: try await client.discoveryDocument(), issuer: issuerURL)
        }
        try StandardOutput.writeLine(json.prettySerializedString())
    }

    /// Who may not read the notes sees the keys all the same.
    private func notes(in namespace: String, by client: KubernetesClient) async throws -> UploadedKeys {
        do {
            return try await client.uploadedKeys(in: namespace)
        } catch let error as KubernetesError where error.isForbidden {
            StandardError.write("what was uploaded is not known: \(error)")
            return UploadedKeys()
        }
    }

    private func note(
        _ set: IssuerKeySet, of keys: IssuerKeySet, for verifier: KeyVerifier, in namespace: String,
        by client: KubernetesClient
    ) async throws {
        let key = UploadedKeys.key(in: namespace)
        let data: JSONValue = ["data": .object([verifier.provider.rawValue: .string(UploadedKeys.note(of: set))])]
        do {
            try await client.patch(ConfigMap.self, key, .merge(data))
        } catch let error as KubernetesError where error.isNotFound {
            var object = data
            object["metadata"] = ["name": .string(key.name)]
            try await client.create(ConfigMap.self, object, in: namespace)
        }
        StandardError.write("noted in ConfigMap \(key): \(set.keys.count) uploaded to \(verifier.name)")
        let missing = keys.keys.filter { !set.thumbprints.contains($0.thumbprint) }
        if !missing.isEmpty {
            StandardError.write(
                "the cluster has others by now, which \(verifier.name) does not: \(missing.map(\.name).joined(separator: ", "))"
            )
        }
    }
}
