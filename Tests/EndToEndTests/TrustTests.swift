import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// Trust that the operator tries by itself: tokens of a real API server, made with the rights of manifests/verify.yaml.
    @Suite(.serialized) struct Trust {
        private static let openAI = [
            "lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456",
        ]
        /// `pod` has no cloud's identity of its own, and `unlisted` stands in no Role.
        private static let accounts = ["good", "bad", "pod", "unlisted"]

        private static func settings(_ endpoint: ProviderEndpoint, in namespace: String) -> Operator.Settings {
            let scheduled = accounts.map { "{namespace: \(namespace), serviceAccount: \($0)}" }
            return Operator.Settings(
                configuration: """
                    platform: eks
                    issuer: {public: true}
                    aws:
                      podIdentity: {identities: [{namespace: \(namespace), serviceAccount: pod}]}
                    verify:
                      endpoints: {aws-bedrock: "\(endpoint.url)", openai: "\(endpoint.url)"}
                      scheduled: [\(scheduled.joined(separator: ", "))]
                      intervalSeconds: 10
                    """, logLevel: "trace")
        }

        private static func prepare(_ plane: ControlPlane, _ namespace: String) async throws {
            let aws = ["eks.amazonaws.com/role-arn": Manifest.role, "lanyard.dev/aws-region": "eu-central-1"]
            try await plane.letVerify(["good", "bad", "pod"], in: namespace)
            try await plane.apply(
                Manifest.serviceAccount("good", in: namespace, aws.merging(openAI) { $1 })
                    + Manifest.serviceAccount("bad", in: namespace, aws)
                    + Manifest.serviceAccount("pod", in: namespace, ["lanyard.dev/providers": "aws-bedrock"])
                    + Manifest.serviceAccount("unlisted", in: namespace, aws)
                    + Manifest.serviceAccount("unasked", in: namespace, aws))
        }

        /// Denied once is not denied for good. Another leader goes on from there, and by what it reads that was hours ago.
        private static func denyOnce(_ endpoint: ProviderEndpoint, in namespace: String) async throws {
            try await Operator.running(settings(endpoint, in: namespace)) { plane, _ in
                try await prepare(plane, namespace)
                let once = try await verified(
                    "bad", in: namespace, of: plane, is: "Unknown", "TrustPolicyMismatch")
                #expect(once.hasSuffix("it is tried again before that counts"))
            }
            let field = "/status/verification/results/0/firstDenialTime"
            _ = try await ControlPlane.require().kubectl(
                "patch", "wid", "bad", "-n", namespace, "--subresource=status", "--type=json", "-p",
                #"[{"op": "replace", "path": "\#(field)", "value": "2026-01-01T00:00:00Z"}]"#)
        }

        private static func verified(
            _ account: String, in namespace: String, of plane: ControlPlane, is status: String, _ reason: String
        ) async throws -> String {
            // Four denials, with a wait of some ten seconds between them.
            try await eventually(within: .seconds(90), "\(account) is Verified=\(status) \(reason)") {
                let found = try await plane.get("wid", account, "-n", namespace).condition("Verified")
                guard let found, found["status"]?.string == status, found["reason"]?.string == reason else {
                    throw CommandFailure(description: "it is \(found.map { "\($0)" } ?? "absent")")
                }
                return found["message"]?.string ?? ""
            }
        }

        @Test(
            "what the provider says of each ServiceAccount is a condition, and no token of all that were made is shown",
            .timeLimit(.minutes(5)))
        func schedule() async throws {
            let plane = try ControlPlane.require()
            let namespace = try await plane.namespace()
            try await ProviderEndpoint.running { endpoint in
                endpoint.trust("system:serviceaccount:\(namespace):good")
                try await Self.denyOnce(endpoint, in: namespace)
                try await Operator.running(Self.settings(endpoint, in: namespace)) { plane, running in
                    let good = try await Self.verified("good", in: namespace, of: plane, is: "True", "Verified")
                    #expect(good.hasSuffix("aws-bedrock by irsa, openai by openai-federation"))
                    let untried = try await Self.verified("pod", in: namespace, of: plane, is: "Unknown", "OnlyInPod")
                    #expect(untried.contains("EKS Pod Identity Agent"))
                    let unlisted = try await Self.verified(
                        "unlisted", in: namespace, of: plane, is: "Unknown", "NotPermitted")
                    #expect(unlisted.contains("the Role lanyard-verify of namespace \(namespace)"))
                    let bad = try await Self.verified(
                        "bad", in: namespace, of: plane, is: "False", "TrustPolicyMismatch")
                    #expect(bad.contains("system:serviceaccount:\(namespace):bad"))
                    #expect(bad.contains("next: aws iam get-role --role-name bedrock"))

                    // Ready does not depend on it, and who is not named is not tried.
                    for account in ["good", "bad", "unlisted", "unasked"] {
                        _ = try await plane.condition("Ready", of: "wid/\(account)", in: namespace, is: "True")
                    }
                    #expect(try await plane.get("wid", "unasked", "-n", namespace).condition("Verified") == nil)
                    let proof = try await plane.get("wid", "good", "-n", namespace)
                        .at("status", "verification", "results", "0", "lastProofTime")
                    #expect(proof?.string?.hasSuffix("Z") == true)

                    let metrics = try await running.get("/metrics").body
                    func series(_ account: String) -> String {
                        """
                        lanyard_trust_verified{mechanism="irsa",namespace="\(namespace)",provider="aws-bedrock",\
                        serviceaccount="\(account)"}
                        """
                    }
                    #expect(metrics.contains("\(series("good")) 1\n") && metrics.contains("\(series("bad")) 0\n"))
                    #expect(!metrics.contains(series("unlisted")))

                    // The denial is taken back as soon as the provider does.
                    endpoint.trust(
                        "system:serviceaccount:\(namespace):good", "system:serviceaccount:\(namespace):bad")
                    _ = try await Self.verified("bad", in: namespace, of: plane, is: "True", "Verified")
                    let reasons = try await eventually("the events") {
                        let events = try await plane.get("events", "-n", namespace).at("items")?.array ?? []
                        let reasons = events.filter { $0.at("involvedObject", "name") == "bad" }
                            .compactMap { $0["reason"]?.string }
                        guard reasons.contains("Verified") else { throw CommandFailure(description: "\(reasons)") }
                        return reasons
                    }
                    #expect(reasons.contains("TrustPolicyMismatch"))

                    let wide = try await plane.kubectl("get", "wid", "-n", namespace, "-o", "wide").output
                    #expect(wide.contains("VERIFIED"))
                    let status = try await Command.run(
                        plane.lanyard, ["status", "--kubeconfig", plane.kubeconfig, "-n", namespace])
                    #expect(status.output.contains("VERIFIED"))
                    #expect(
                        status.output.contains("Verified is Unknown: aws-bedrock: the operator may not make a token"))
                    try await Self.search(plane, running, endpoint, in: namespace, status.output + metrics + wide)
                }
                try await Self.switchedOff(namespace)
            }
        }

        /// No token, no credential, in nothing that can be read afterwards.
        private static func search(
            _ plane: ControlPlane, _ running: Operator, _ endpoint: ProviderEndpoint, in namespace: String,
            _ shown: String
        ) async throws {
            let tokens = endpoint.tokens
            #expect(tokens.count >= 7)
            let objects = try await plane.kubectl("get", "wid,events,sa", "-n", namespace, "-o", "json").output
            let log = running.log
            #expect(log.contains("trust changed"))
            let secret = try await plane.get("secret", "lanyard-webhook-certificates", "-n", "lanyard-system")
            let key = try #require(secret.at("data", "tls.key")?.string.flatMap { Data(base64Encoded: $0) })
            let inKey = key.dropFirst(60).prefix(30)
            for text in [log, objects, shown] {
                #expect(!text.contains(ProviderEndpoint.secret))
                // As text, or as bytes.
                #expect(!text.contains(String(decoding: inKey, as: UTF8.self)))
                #expect(!text.contains(inKey.map(String.init).joined(separator: ", ")))
                for token in tokens {
                    // As a whole or by one of its parts; the first is the same for all.
                    for part in token.split(separator: ".").dropFirst() { #expect(!text.contains(part)) }
                }
            }
        }

        /// The operator runs without: the condition is gone, and so is what it was made of.
        private static func switchedOff(_ namespace: String) async throws {
            try await Operator.running { plane, _ in
                try await eventually("the conditions are gone") {
                    for account in accounts {
                        let identity = try await plane.get("wid", account, "-n", namespace)
                        guard identity.condition("Verified") == nil, identity.at("status", "verification") == nil else {
                            throw CommandFailure(description: "\(account) has it")
                        }
                    }
                }
            }
        }

        @Test("the manifest lets the operator make tokens of the ServiceAccount that it names, and of no other")
        func rights() async throws {
            let plane = try ControlPlane.require()
            let namespace = try await plane.namespace()
            try await plane.apply(Manifest.serviceAccount("llm", in: namespace, [:]))
            try await plane.letVerify(["llm"], in: namespace)
            for (account, place, answer) in [
                ("llm", namespace, "yes"), ("default", namespace, "no"), ("llm", "default", "no"),
            ] {
                let said = try await plane.tryKubectl([
                    "auth", "can-i", "create", "serviceaccounts/\(account)", "--subresource=token", "-n", place,
                    "--as=system:serviceaccount:lanyard-system:lanyard",
                ])
                #expect(said.output == "\(answer)\n", "\(account) in \(place)")
            }
        }
    }
}
