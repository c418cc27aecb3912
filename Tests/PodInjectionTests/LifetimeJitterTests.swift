import JSON
import PodInjection
import Testing
import WorkloadIdentity

@Suite struct LifetimeJitterTests {
    private static let podIdentity = ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]

    private func lifetime(_ annotations: [String: String], _ jitter: LifetimeJitter?) throws -> Int {
        let pod = InjectionTests.pod()
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations,
            pod: PodContext(pod: pod), facts: .offline(.eks), configuration: Configuration())
        let result = try pod.applying(Injection(of: plan, into: pod, jitter: jitter).patch)
        let source = result["spec"]?["volumes"]?.array?.first?["projected"]?["sources"]?.array?.first
        return try #require(source?["serviceAccountToken"]?["expirationSeconds"]?.integer)
    }

    @Test(
        "the default lifetime of EKS Pod Identity is spread over two hours, both ends included",
        arguments: [(0, 79200), (1, 79201), (7200, 86400), (7201, 79200), (UInt64.max, 84403)])
    func spreads(position: UInt64, seconds: Int) throws {
        #expect(try lifetime(Self.podIdentity, LifetimeJitter(position: position)) == seconds)
    }

    @Test("without a review, as in lanyard inject, it is the longest")
    func isLongest() throws {
        #expect(try lifetime(Self.podIdentity, nil) == 86400)
    }

    @Test(
        "a lifetime that was chosen, and every other mechanism's, is exact",
        arguments: [
            (podIdentity.merging(["eks.amazonaws.com/token-expiration": "86400"]) { $1 }, 86400),
            (podIdentity.merging(["lanyard.dev/token-expiration": "7200"]) { $1 }, 7200),
            (InjectionTests.aws, 86400),
        ])
    func keepsChosen(annotations: [String: String], seconds: Int) throws {
        #expect(try lifetime(annotations, LifetimeJitter(position: 0)) == seconds)
    }

    @Test("one review gives one lifetime, and many reviews give many")
    func derivesFromReview() throws {
        let uid = "705ab4f5-6393-11e8-b7cc-42010a800002"
        #expect(LifetimeJitter(reviewUID: uid) == LifetimeJitter(reviewUID: uid))
        let lifetimes = try (0..<50).map { try lifetime(Self.podIdentity, LifetimeJitter(reviewUID: "\(uid)\($0)")) }
        #expect(Set(lifetimes).count > 40)
        #expect(lifetimes.allSatisfy { (79200...86400).contains($0) })
    }
}
