import GeneratedPods
import JSON
import PodInjection

/// What `hack/check-policy` compares the policy with: made-up identities and pods, and what the webhook makes of them.
///
/// ```
/// PolicySamples identities COUNT         print the CredentialPlanSets, and of each identity that is left to the webhook why
/// PolicySamples pods COUNT FIRST END     print pods of those identities, each with what the webhook makes of it
/// PolicySamples strange COUNT            print strange pods of those identities, each with what it is
/// PolicySamples admit COUNT              read pods, and print what the webhook makes of each
/// ```
/// In each case a line is an object in JSON. The same numbers give the same lines.
@main
enum PolicySamples {
    static func main() throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let numbers = words.dropFirst().compactMap { Int($0) }
        switch (words.first, numbers.count) {
        case ("identities", 1): printIdentities(SampleIdentity.all(numbers[0]))
        case ("pods", 3): try printPods(numbers[1]..<max(numbers[1], numbers[2]), SampleIdentity.all(numbers[0]))
        case ("strange", 1): try printStrangePods(SampleIdentity.all(numbers[0]))
        case ("admit", 1): try admit(SampleIdentity.all(numbers[0]))
        default:
            fatalError("usage: PolicySamples identities COUNT | pods COUNT FIRST END | strange COUNT | admit COUNT")
        }
    }

    private static func printIdentities(_ identities: [SampleIdentity]) {
        var plans: [String: JSONObject] = [:]
        for identity in identities {
            switch identity.compiled {
            case .plan(let entry):
                plans[identity.namespace, default: JSONObject()].append(identity.name, entry)
            case .left(let reason): write(["left": .string(reason)])
            case .nothing: write(["left": "it asks for nothing"])
            }
        }
        for (namespace, plans) in plans.sorted(by: { $0.key < $1.key }) {
            write([
                "apiVersion": "lanyard.dev/v1alpha1", "kind": "CredentialPlanSet",
                "metadata": ["name": "lanyard", "namespace": .string(namespace)],
                "spec": ["plans": .object(plans)],
            ])
        }
    }

    private static func printPods(_ seeds: Range<Int>, _ identities: [SampleIdentity]) throws {
        for seed in seeds {
            let identity = identities[seed % identities.count]
            let pod = SamplePod.pod(of: identity, seed: UInt64(seed))
            write([
                "namespace": .string(identity.namespace), "pod": pod, "injected": try identity.admitting(pod),
            ])
        }
    }

    /// Of one identity for each set of members that a plan has: there is a condition for each.
    private static func printStrangePods(_ identities: [SampleIdentity]) throws {
        var tried: Set<[String]> = []
        for identity in identities {
            guard case .plan(let plan) = identity.compiled, tried.insert(plan.object?.keys.sorted() ?? []).inserted
            else {
                continue
            }
            for strange in StrangePod.all(of: identity, plan) {
                write([
                    "namespace": .string(identity.namespace), "what": .string(strange.what), "pod": strange.pod,
                    "injected": try identity.admitting(strange.pod),
                ])
            }
        }
    }

    private static func admit(_ identities: [SampleIdentity]) throws {
        let known = Dictionary(identities.map { ($0.name, $0) }) { first, _ in first }
        while let line = readLine() {
            let pod = try JSONValue(parsing: Array(line.utf8))
            guard let identity = known[pod["spec"]?["serviceAccountName"]?.string ?? ""] else {
                fatalError("a pod of no identity: \(line)")
            }
            write(try identity.admitting(pod))
        }
    }

    private static func write(_ value: JSONValue) { print(value.serializedString()) }
}
