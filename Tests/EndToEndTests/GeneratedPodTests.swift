import GeneratedPods
import JSON
import Testing

extension EndToEndTests {
    /// Made-up pods, of which PodInjectionTests say what holds for all: here the API server says that they are pods.
    @Suite(.serialized) struct GeneratedPods {
        @Test("the API server takes each pod with what was injected", arguments: ["eks", "self-managed"])
        func areAccepted(platform: String) async throws {
            let settings = Operator.Settings(
                configuration: """
                    {platform: \(platform), issuer: {public: true}, externalSecrets: {store: vault}, vault: {audience: vault, allowedPaths: ["**"]}}
                    """)
            try await Operator.running(settings) { plane, _ in
                let namespace = try await plane.namespace()
                var samples: [(account: JSONValue, pod: JSONValue)] = []
                for seed in 0..<UInt64(25) {
                    var numbers = RandomNumbers(seed: seed)
                    var pod = PodGenerator.pod(using: &numbers)
                    let keys = PodGenerator.annotations(using: &numbers)
                    let account: JSONValue = ["name": "llm-\(seed)", "annotations": .object(JSONObject(keys))]
                    pod["spec"]?["serviceAccountName"] = account["name"]
                    samples.append((["apiVersion": "v1", "kind": "ServiceAccount", "metadata": account], pod))
                }
                let accounts: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(samples.map(\.account))]
                try await plane.kubectl("apply", "-n", namespace, "-f", "-", input: accounts.serializedString())

                var injected = 0
                for (seed, sample) in samples.enumerated() {
                    let tried = try await plane.tryKubectl(
                        ["create", "--raw", "/api/v1/namespaces/\(namespace)/pods?dryRun=All", "-f", "-"],
                        input: sample.pod.serializedString())
                    #expect(tried.exitCode == 0, "seed \(seed): \(tried.errors)")
                    let pod = try JSONValue(parsing: Array(tried.output.utf8))
                    if pod.annotations["lanyard.dev/injected"] != nil { injected += 1 }
                }
                #expect(injected > samples.count / 3)
            }
        }
    }
}
