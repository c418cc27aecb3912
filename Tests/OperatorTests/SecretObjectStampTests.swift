import KubernetesModel
import Testing

@testable import Operator

@Suite struct SecretObjectStampTests {
    @Test(
        "by a pod's stamp it is known whether the pod refers to an object of ours",
        arguments: [
            (nil, false), ("", false), ("aws-bedrock=irsa,openai=vault-agent", false), ("vault-csi", false),
            ("openai=vault-csi", true), ("aws-bedrock=irsa,openai=external-secret", true),
        ] as [(String?, Bool)])
    func stamp(injected: String?, refers: Bool) {
        var pod = ObjectMetadata(name: "p", namespace: "ai")
        pod.annotations["lanyard.dev/injected"] = injected
        #expect(pod.refersToSecretObject == refers)
    }
}
