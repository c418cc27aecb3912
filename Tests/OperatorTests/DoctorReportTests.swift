import JSON
import KubernetesModel
import Operator
import Testing
import WorkloadIdentity

@testable import lanyard

@Suite struct DoctorReportTests {
    private static func report(_ trials: [TrialResult]?) -> DoctorReport {
        var observation = PodObservation(
            pod: [
                "metadata": ["name": "p", "namespace": "ai", "uid": "u"],
                "spec": ["serviceAccountName": "llm", "containers": [["name": "app"]]],
            ], facts: StatusFixture.facts, configuration: Configuration())
        var account = ObjectMetadata(name: "llm", namespace: "ai")
        account.annotations = StatusFixture.aws
        observation.account = .found(ServiceAccount(metadata: account))
        observation.trials = trials
        return DoctorReport(
            diagnosis: PodDiagnosis(of: observation), operatorState: .unknown(why: "no right"), choice: nil, gaps: [])
    }

    private static func result(_ verdict: Verdict) -> TrialResult {
        TrialResult(provider: "aws-bedrock", mechanism: .irsa, identity: "arn:1", verdict: verdict)
    }

    @Test("what was tried stands after what it must trust, and in place of how to ask it")
    func showsTrials() {
        let text = Self.report([
            Self.result(.failed("Unreachable", "no egress")), Self.result(.denied("RoleNotFound", "no such role")),
        ]).text(width: nil)
        #expect(
            text.contains(
                """
                tried from this machine:
                  aws-bedrock (irsa) for arn:1: Failed (Unreachable): no egress
                  aws-bedrock (irsa) for arn:1: Failed (RoleNotFound): no such role
                """), "\(text)")
        #expect(text.contains("(NotTrusted): aws-bedrock: RoleNotFound: no such role"), "\(text)")
        #expect(!text.contains("(NotTrusted): aws-bedrock: Unreachable"))
        #expect(!text.contains("tries it"))
    }

    @Test("without --verify it says what would try the trust, and knows of no trials")
    func untried() {
        let report = Self.report(nil)
        let text = report.text(width: nil)
        #expect(text.contains("\n  lanyard verify ai/llm tries it\n"), "\(text)")
        #expect(!text.contains("tried from"))
        #expect(report.json["trials"] == nil)
    }

    @Test("a program reads the trials as lanyard verify writes them")
    func writesTrials() {
        let json = Self.report([Self.result(.denied("RoleNotFound", "no such role"))]).json
        #expect(
            json["trials"] == [
                [
                    "provider": "aws-bedrock", "mechanism": "irsa", "identity": "arn:1", "outcome": "Failed",
                    "reason": "RoleNotFound", "message": "no such role",
                ]
            ])
    }
}
