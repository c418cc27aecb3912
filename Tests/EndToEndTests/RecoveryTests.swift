import JSON
import Testing

extension EndToEndTests {
    @Suite(.serialized) struct Recovery {
        @Test("the API server dies and comes back: the operator goes on, and no status is wrong")
        func survivesRestart() async throws {
            try await Operator.running { plane, running in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition(Status.ready, of: "deployment/app", in: namespace, is: "True")
                try await plane.script("stop-apiserver")
                try await plane.script("start-apiserver")
                try await running.waitUntilReady(within: .seconds(60))
                // What is changed from now on is noticed, so the watches are back.
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=broken", "-n", namespace)
                _ = try await eventually(within: .seconds(60), "the change is noticed") {
                    try await plane.condition(
                        Status.ready, of: "deployment/app", in: namespace, is: "False", reason: "InvalidValue")
                }
                try await plane.apply(Manifest.bedrock(in: namespace))
                _ = try await plane.condition(Status.ready, of: "deployment/app", in: namespace, is: "True")
                try await plane.apply(Manifest.pod(in: namespace))
                #expect(try await plane.get("pod", "pod", "-n", namespace).variables["AWS_ROLE_ARN"] == Manifest.role)
            }
        }

        @Test("what happened while the API server was away and its history compacted is caught up with")
        func survivesCompaction() async throws {
            try await Operator.running { plane, running in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition(Status.ready, of: "deployment/app", in: namespace, is: "True")
                // Changes, and then the history in which a watch could have found them is gone.
                for number in 0..<20 {
                    try await plane.kubectl("annotate", "--overwrite", "sa/llm", "team=\(number)", "-n", namespace)
                }
                try await plane.script("compact")
                try await plane.script("restart-apiserver")
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=broken", "-n", namespace)
                _ = try await eventually(within: .seconds(60), "the change is noticed") {
                    try await plane.condition(
                        Status.ready, of: "deployment/app", in: namespace, is: "False", reason: "InvalidValue")
                }
                try await running.waitUntilReady(within: .seconds(60))
            }
        }
    }
}
