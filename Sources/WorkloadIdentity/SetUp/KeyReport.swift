public import JSON

/// What `lanyard keys` says: the keys with which a cluster signs tokens, and what providers need of them.
public struct KeyReport: Sendable {
    private let review: KeyReview
    private let verifiers: [KeyVerifier]

    /// - Parameter verifiers: whom it is to say it of.
    public init(_ review: KeyReview, for verifiers: [KeyVerifier] = KeyVerifier.all) {
        self.review = review
        self.verifiers = verifiers
    }

    /// The two documents by which an issuer is known, as they are to be hosted (OpenID Connect Discovery 1.0 section 3).
    ///
    /// - Parameters:
    ///   - discovery: the API server's own.
    ///   - issuer: below which URL they will be, if that is not the cluster's issuer.
    public static func documents(_ keys: IssuerKeySet, discovery: JSONValue, issuer: String? = nil) -> JSONValue {
        var discovery = discovery
        if let issuer = issuer ?? discovery["issuer"]?.string {
            let root = issuer.hasSuffix("/") ? issuer : issuer + "/"
            discovery["issuer"] = .string(issuer)
            discovery["jwks_uri"] = .string(root + "openid/v1/jwks")
        }
        discovery["id_token_signing_alg_values_supported"] = .array(keys.algorithms.map { .string($0) })
        return ["openid-configuration": discovery, "jwks": keys.json]
    }

    /// As one shell script, to be read and pasted step by step.
    public var script: String {
        var script = SetUpScript()
        let issuer = review.facts.issuer
        script.line("#!/usr/bin/env bash")
        script.comment(
            "The keys that verify tokens of the issuer \(issuer.url?.shortened ?? "(not known)") (\(issuer.reach.rawValue)):"
        )
        script.table(review.keys.keys.map { [$0.name, $0.size, $0.algorithm?.shortened ?? "-", $0.thumbprint] })
        script.comment(
            """
            First the kid; last the fingerprint, the key's thumbprint (RFC 7638). Below stands what \
            \(verifiers.map(\.name).listed) \(verifiers.count == 1 ? "needs" : "need") of them: paste it step by step.
            """)
        let fetching = verifiers.filter { $0.source(on: review.facts) == .fetched }
        if !fetching.isEmpty { script.add(fetching, review) }
        for verifier in verifiers where verifier.takesUploads && !isLeftAlone(verifier) {
            script.add(verifier, review)
        }
        return script.text
    }

    /// Whether it fetches the keys, and nobody has uploaded any.
    private func isLeftAlone(_ verifier: KeyVerifier) -> Bool {
        verifier.source(on: review.facts) == .fetched && review.uploaded[verifier.provider] == nil
    }
}

extension SetUpScript {
    /// Rows as comments, in columns.
    fileprivate mutating func table(_ rows: [[String]]) {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }
            line("#   " + cells.joined(separator: "  "))
        }
    }

    /// Those who fetch the keys from the issuer.
    fileprivate mutating func add(_ verifiers: [KeyVerifier], _ review: KeyReview) {
        let names = verifiers.map(\.name).listed
        let (fetch, read) = verifiers.count == 1 ? ("fetches", "reads") : ("fetch", "read")
        heading("\(names): fetched from the issuer")
        for problem in verifiers.flatMap(review.problems(for:)) where problem.reason != .uploadedKeysStale {
            comment("\(problem.reason): \(problem.message)")
        }
        let facts = review.facts
        guard facts.issuer.reach != .public else {
            comment("\(names) \(fetch) the keys whenever needed: there is nothing to do when they change.")
            return
        }
        comment("\(names) \(read) the two documents of the issuer from the internet.")
        if facts.issuer.reach == .publicIfEnabled {
            let setUp = facts.platform.publicIssuer(for: names)
            assign(setUp.variables)
            for step in setUp.steps { add(step) }
        } else {
            assign([.init("ISSUER", .placeholder("https URL below which the documents will be"))])
            for (index, step) in SetUp.hosting.enumerated() { add(step, number: index + 1) }
        }
    }

    /// One to whom keys are uploaded.
    fileprivate mutating func add(_ verifier: KeyVerifier, _ review: KeyReview) {
        heading("\(verifier.name): uploaded", name: verifier.provider.rawValue)
        for problem in review.problems(for: verifier) { comment("\(problem.reason): \(problem.message)") }
        if review.keysNotUploaded(to: verifier)?.isEmpty == true {
            comment("All of these keys were uploaded. When they change:")
        }
        let setUp = SetUp.upload(to: verifier.provider)
        assign(setUp.variables)
        for (index, step) in setUp.steps.enumerated() { add(step, number: index + 1) }
    }
}

extension SetUp {
    /// Publishes a private issuer.
    fileprivate static let hosting = [
        Step(
            """
            The two documents, which hold nothing but public keys; write them and put them there again whenever the keys \
            change, before the old key goes. The providers compare the issuer to the letter.
            """,
            #"""
            lanyard keys --issuer-url "$ISSUER" -o json > documents.json
            jq '."openid-configuration"' documents.json > openid-configuration
            jq .jwks documents.json > jwks
            """#),
        Step(
            """
            Put them where anyone may read them: any web server will do. In a bucket of S3 the issuer is \
            https://BUCKET.s3.REGION.amazonaws.com, in Blob Storage https://ACCOUNT.blob.core.windows.net/CONTAINER, in \
            Google's storage https://storage.googleapis.com/BUCKET. Run one of these pairs, with your own names:
            """,
            code: """
                aws s3 cp openid-configuration s3://BUCKET/.well-known/openid-configuration --content-type application/json
                aws s3 cp jwks s3://BUCKET/openid/v1/jwks --content-type application/json

                az storage blob upload --account-name ACCOUNT --container-name CONTAINER --overwrite \\
                  --name .well-known/openid-configuration --file openid-configuration --content-type application/json
                az storage blob upload --account-name ACCOUNT --container-name CONTAINER --overwrite \\
                  --name openid/v1/jwks --file jwks --content-type application/json

                gcloud storage cp openid-configuration gs://BUCKET/.well-known/openid-configuration --content-type=application/json
                gcloud storage cp jwks gs://BUCKET/openid/v1/jwks --content-type=application/json
                """),
        Step(
            "This must work from the internet.",
            #"curl --fail --silent --show-error "${ISSUER%/}/.well-known/openid-configuration""#),
        Step(
            """
            Start every API server with --service-account-issuer=URL before the present one, so that tokens of both are good, \
            and with --service-account-jwks-uri=URL/openid/v1/jwks. Then set issuer: {url: URL, public: true} in Lanyard's \
            configuration.
            """),
    ]

    /// Uploads the keys again, and notes it.
    fileprivate static func upload(to provider: ProviderName) -> SetUp {
        switch provider {
        case "google-vertex":
            SetUp(
                variables: [
                    .init("POOL_PROJECT", .placeholder("project of the workload identity pool")),
                    .init("POOL", .placeholder("workload identity pool")),
                    .init("POOL_PROVIDER", .placeholder("the pool's provider for this cluster")),
                ],
                steps: [
                    Step(
                        "The whole set takes the place of the one that is there. Do so for every pool that trusts this cluster.",
                        #"""
                        lanyard keys --provider google-vertex -o json > jwks.json
                        gcloud iam workload-identity-pools providers update-oidc "$POOL_PROVIDER" \
                          --project "$POOL_PROJECT" --location=global --workload-identity-pool="$POOL" --jwk-json-path=jwks.json
                        """#),
                    note("lanyard keys --provider google-vertex --uploaded -f jwks.json"),
                ])
        case "openai":
            SetUp(steps: [
                Step(
                    """
                    As an owner of the organization, under Organization settings > Security > Workload identity provider, \
                    upload jwks.json as a whole to the provider for this cluster. There is no command for it.
                    """,
                    "lanyard keys --provider openai -o json > jwks.json"),
                note("lanyard keys --provider openai --uploaded -f jwks.json"),
            ])
        default:
            SetUp(
                variables: [.init("ISSUER_ID", .placeholder("id of the issuer at Anthropic, fdis_..."))],
                steps: [
                    Step(
                        """
                        The whole set takes the place of the one that is there. It takes an administrator's login: `lanyard \
                        explain anthropic` has it. Without the ant command, the console has the issuer under Settings > \
                        Workload identity.
                        """,
                        #"""
                        lanyard keys --provider anthropic -o json > jwks.json
                        ant beta:organization:federation:issuers update --federation-issuer-id "$ISSUER_ID" \
                          --jwks "$(cat jwks.json)" --format json
                        """#),
                    note("lanyard keys --provider anthropic --uploaded -f jwks.json"),
                ])
        }
    }

    private static func note(_ command: ShellText) -> Step {
        Step(
            """
            Once it is uploaded, note it in Lanyard's namespace, so that the operator can say when the cluster has a key that \
            was not. It takes the right to create and patch the ConfigMap lanyard-uploaded-keys there.
            """, command)
    }
}
