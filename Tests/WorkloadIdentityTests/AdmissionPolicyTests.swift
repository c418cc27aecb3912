import Testing
import WorkloadIdentity

@Suite struct AdmissionPolicyTests {
    private static let key = "lanyard.dev/policy"

    @Test(
        "a Namespace's policy is a label",
        arguments: [
            ([:], [:], nil, nil),
            ([key: "enforce"], [:], "Namespace ai is labelled lanyard.dev/policy=enforce", nil),
            (
                [key: "enforced"], [:], nil,
                Problem.warning(
                    .invalidValue, "the label lanyard.dev/policy is \"enforced\" and has no effect; write \"enforce\"",
                    field: key, in: .ownLabels)
            ),
            (
                [:], [key: "enforce"], nil,
                .warning(
                    .misplacedKey,
                    "lanyard.dev/policy has no effect as an annotation; make it a label: kubectl label namespace ai "
                        + "lanyard.dev/policy=enforce", field: key, in: .ownAnnotations)
            ),
            (
                [key: "enforce"], [key: "x"], "Namespace ai is labelled lanyard.dev/policy=enforce", nil
            ),
        ] as [([String: String], [String: String], String?, Problem?)])
    func readsNamespaces(
        labels: [String: String], annotations: [String: String], enforcement: String?, problem: Problem?
    ) {
        let policy = AdmissionPolicy(ofNamespace: "ai", labels: labels, annotations: annotations)
        #expect(policy.enforcement == enforcement)
        #expect(policy.problems == [problem].compactMap(\.self))
    }

    @Test(
        "a workload's policy is a label or an annotation",
        arguments: [
            ([:], [:], nil, []),
            ([key: "enforce"], [:], "it has the label lanyard.dev/policy=enforce", []),
            ([:], [key: "enforce"], "it has the annotation lanyard.dev/policy=enforce", []),
            ([key: "warn"], [key: "enforce"], "it has the annotation lanyard.dev/policy=enforce", [.ownLabels]),
            ([key: "warn"], [key: ""], nil, [.ownLabels, .ownAnnotations]),
        ] as [([String: String], [String: String], String?, [Problem.Place])])
    func readsWorkloads(
        labels: [String: String], annotations: [String: String], enforcement: String?, problems: [Problem.Place]
    ) {
        let policy = AdmissionPolicy(ofWorkload: labels, annotations: annotations)
        #expect(policy.enforcement == enforcement)
        #expect(policy.problems.map(\.place) == problems)
        #expect(policy.problems.allSatisfy { $0.reason == .invalidValue && $0.severity == .warning })
    }
}
