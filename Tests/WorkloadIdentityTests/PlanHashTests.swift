import Testing
import WorkloadIdentity

/// The hash stamps every pod: if it changed with a release, every pod would count as stale.
@Suite struct PlanHashTests {
    @Test(
        "is the same in every release",
        arguments: [
            (Platform.eks, Fixture.aws, "9bb3ee33ed77"),
            (.gke, Fixture.aws, "99866a1f6482"),
            (.aks, Fixture.azure, "3a1a1190fb60"),
            (.gke, ["lanyard.dev/providers": "google-vertex"], "923d90ef3bd5"),
            (.eks, Fixture.google, "89b44846bfc1"),
            (.eks, Fixture.anthropic, "a5b934f28b40"),
            (.eks, ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"], "a998f158c264"),
            (.iks, Fixture.ibm, "ed163d890e75"),
            (.oke, Fixture.oracle, "c84b2f1ac81d"),
            (.ack, Fixture.alibaba, "fea0ee2d0285"),
            (.eks, Fixture.openAI, "6a84598fad4c"),
            (.eks, Fixture.vaultOpenAI, "8d1d2897e508"),
        ])
    func isStable(platform: Platform, annotations: [String: String], golden: String) {
        #expect(Fixture.plan(annotations, on: platform).hash == golden)
    }

    @Test("covers what a pod gets")
    func coversInputs() {
        let base = Fixture.plan(Fixture.aws).hash
        #expect(base != Fixture.plan(Fixture.aws.merging(["lanyard.dev/aws-region": "eu-west-1"]) { $1 }).hash)
        #expect(base != Fixture.plan(Fixture.aws.merging(Fixture.azure) { $1 }).hash)
        #expect(base != Fixture.plan(Fixture.aws, on: .gke).hash)
        #expect(
            base != Fixture.plan(Fixture.aws, pod: PodContext(annotations: ["lanyard.dev/skip-containers": "a"])).hash)
    }

    @Test("covers the role with Vault, whatever role the running pod was given")
    func coversVaultRole() {
        let pod = PodContext(annotations: ["vault.hashicorp.com/role": "llm"])
        let before = Fixture.plan(Fixture.vaultOpenAI, pod: pod).hash
        let after = Fixture.plan(Fixture.vaultOpenAI.merging(["lanyard.dev/vault-role": "b"]) { $1 }, pod: pod).hash
        #expect(before == Fixture.plan(Fixture.vaultOpenAI).hash && before != after)
    }

    @Test("does not cover what a pod does not get")
    func ignoresOthers() {
        let base = Fixture.plan(Fixture.aws).hash
        #expect(base == Fixture.plan(Fixture.aws.merging(["team": "x"]) { $1 }).hash)
        #expect(base == Fixture.plan(Fixture.aws, pod: PodContext(operatingSystem: .windows)).hash)
        #expect(base == Fixture.plan(Fixture.aws, pod: PodContext(mountsServiceAccountToken: false)).hash)
        #expect(
            base == Fixture.plan(Fixture.aws, pod: PodContext(annotations: ["lanyard.dev/plan": "stale"])).hash)
    }
}
