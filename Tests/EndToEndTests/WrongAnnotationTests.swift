import Testing

extension EndToEndTests {
    /// Annotations as people get them wrong, put right by following what kubectl prints, and nothing else.
    @Suite struct WrongAnnotations {
        private static let role = "arn:aws:iam::111122223333:role/bedrock"
        private static let roleKey = "eks.amazonaws.com/role-arn"
        private static let pool = "projects/123456789/locations/global/workloadIdentityPools/clusters/providers"
        private static let poolKey = "cloud.google.com/workload-identity-provider"
        private static let azure = [
            "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
            "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        ]

        private static func aws(_ key: String, _ value: String) -> [String: String] { [roleKey: role, key: value] }

        private static let wrong: [[String: String]] =
            [
                "arn:aws:iam:111122223333:role/bedrock", "arn:aws:iam:us-east-1:111122223333:role/bedrock",
                "arn:aws:sts::111122223333:assumed-role/bedrock/i-0123",
            ].map { [roleKey: $0] }
            + [
                "us-east-1a", "eu-west-1b", "ap-southeast-2c", "useast1", "euwest1", "EU-CENTRAL-1", "US-WEST-2",
                "eu-central-1a", "us-west-2c", "sa-east-1b",
            ].map { aws("lanyard.dev/aws-region", $0) }
            + [
                "lanyard.dev/aws-regoin", "lanyard.dev/awsregion", "lanyard.io/aws-region", "lanyard.dev/aws_region",
            ].map { aws($0, "us-east-1") }
            + ["eks.amazonaws.com/rolearn", "eks.amazon.com/role-arn", "eks.amazonaws.com/role_arn"].map { [$0: role] }
            + ["bedrock", "aws-bedrok", "awsbedrock"].map { aws("lanyard.dev/providers", $0) }
            + ["1h", "2h", "90m"].map { aws("lanyard.dev/token-expiration", $0) }
            + ["yes", "no"].map { aws("eks.amazonaws.com/sts-regional-endpoints", $0) }
            + [aws("lanyard.dev/mechanism.aws-bedrock", "irssa"), aws("lanyard.dev/inject", "no")]
            + ["//iam.googleapis.com/\(pool)/prod", "https://iam.googleapis.com/\(pool)/prod", "\(pool)/Prod"]
            .map { [poolKey: $0, "lanyard.dev/gcp-project": "my-project"] }
            + [
                azure.merging(["azure.workload.identity/client-id": "11111111222233334444555555555555"]) { $1 },
                azure.merging(["lanyard.dev/providers": "azure"]) { $1 },
            ]

        @Test("each of 35 is put right by doing what kubectl prints")
        func followsKubectl() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                func apply(_ accounts: [[String: String]]) async throws -> [Int: [String]] {
                    let manifests = accounts.enumerated().map { index, annotations in
                        Manifest.serviceAccount("w\(index)", in: namespace, annotations)
                    }
                    var told: [Int: [String]] = [:]
                    for line in try await plane.apply(manifests.joined()).errors.split(separator: "\n") {
                        let prefix = "Warning: lanyard: ServiceAccount \(namespace)/w"
                        guard line.hasPrefix(prefix), let colon = line.dropFirst(prefix.count).firstIndex(of: ":"),
                            let index = Int(line[line.index(line.startIndex, offsetBy: prefix.count)..<colon])
                        else { continue }
                        told[index, default: []].append(String(line[colon...].dropFirst(2)))
                    }
                    return told
                }
                #expect(Self.wrong.count == 35)
                let told = try await apply(Self.wrong)
                var right = Self.wrong
                for index in right.indices {
                    #expect(told[index]?.count == 1, "\(right[index]): \(told[index] ?? [])")
                    for message in told[index] ?? [] { Self.follow(message, in: &right[index]) }
                }
                let still = try await apply(right)
                #expect(still.isEmpty, "\(still)")
            }
        }

        /// `KEY is …; did you mean "VALUE"?`, `KEY is not a key …; did you mean OTHER?`, `KEY names "NAME", …; did you mean OTHER?`
        private static func follow(_ message: String, in annotations: inout [String: String]) {
            guard let key = message.split(separator: " ").first.map(String.init),
                let question = message.firstRange(of: "did you mean ")
            else { return }
            let meant = String(message[question.upperBound...].prefix { $0 != "?" }.filter { $0 != "\"" })
            if message.contains(" is not a key ") {
                annotations[meant] = annotations.removeValue(forKey: key)
            } else {
                annotations[key] = meant
            }
        }
    }
}
