import JSON
import KubernetesModel
import Testing

@testable import Operator

@Suite struct WorkloadRolloutTests {
    static let table: [(Workload.Kind, JSONValue, desired: Int, isUnderWay: Bool)] = [
        (
            .deployment,
            [
                "metadata": ["generation": 2], "spec": ["replicas": 3],
                "status": ["observedGeneration": 2, "replicas": 3, "updatedReplicas": 3],
            ], 3, false
        ),
        (
            .deployment,
            [
                "metadata": ["generation": 3], "spec": ["replicas": 3],
                "status": ["observedGeneration": 2, "replicas": 3, "updatedReplicas": 3],
            ], 3, true
        ),
        (
            .deployment,
            ["spec": ["replicas": 3], "status": ["replicas": 4, "updatedReplicas": 3]], 3, true
        ),
        (.deployment, ["spec": ["replicas": 3], "status": ["replicas": 3, "updatedReplicas": 2]], 3, true),
        (.statefulSet, ["spec": [:], "status": ["currentRevision": "a", "updateRevision": "a"]], 1, false),
        (.statefulSet, ["spec": [:], "status": ["currentRevision": "a", "updateRevision": "b"]], 1, true),
        (.daemonSet, ["status": ["desiredNumberScheduled": 5, "updatedNumberScheduled": 5]], 5, false),
        (.daemonSet, ["status": ["desiredNumberScheduled": 5, "updatedNumberScheduled": 4]], 5, true),
    ]

    @Test("a rollout is seen in the specification and the status", arguments: table)
    func sees(_ kind: Workload.Kind, _ object: JSONValue, _ desired: Int, _ isUnderWay: Bool) {
        let rollout = WorkloadRollout(of: kind, object)
        #expect(rollout?.desired == desired && rollout?.isUnderWay == isUnderWay)
    }

    @Test("pods of Jobs are not replaced") func leavesJobs() {
        #expect(WorkloadRollout(of: .job, [:]) == nil && !WorkloadRollout.kinds.contains(.job))
    }
}
