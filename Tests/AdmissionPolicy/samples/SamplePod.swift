import GeneratedPods
import JSON

/// Makes up pods that an API server could have before it, most of them plain, and some of them plain but for one thing.
enum SamplePod {
    /// The pod of another generator, with what Kubernetes does not know taken out, and most of what the policy leaves alone.
    static func pod(of identity: SampleIdentity, seed: UInt64) -> JSONValue {
        var numbers = RandomNumbers(seed: seed)
        var pod = PodGenerator.pod(using: &numbers).known
        var spec = pod["spec"]?.object ?? [:]
        spec["serviceAccountName"] = .string(identity.name)
        if numbers.chance(85) { spec["os"] = nil }
        if numbers.chance(5) { spec["nodeSelector"] = ["kubernetes.io/os": numbers.chance(50) ? "linux" : "windows"] }
        if numbers.chance(10) { spec["automountServiceAccountToken"] = .bool(numbers.chance(50)) }
        let plan: JSONValue = if case .plan(let plan) = identity.compiled { plan } else { [:] }
        let isPlainRather = numbers.chance(75)
        if isPlainRather, let volumes = spec["volumes"]?.array {
            spec["volumes"] = .array(volumes.filter { $0["name"]?.string?.hasPrefix("lanyard-") != true })
        }
        // As the API server's plugin ServiceAccount does before policies are asked.
        let token = numbers.chance(85) ? "kube-api-access-x7k2p" : nil
        if let token {
            let volume: JSONValue = [
                "name": .string(token), "projected": ["sources": [["serviceAccountToken": ["path": "token"]]]],
            ]
            spec["volumes"] = .array((spec["volumes"]?.array ?? []) + [volume])
        }
        for list in ["initContainers", "containers"] {
            guard let containers = spec[list]?.array else { continue }
            spec[list] = .array(
                containers.map { container in
                    var container = container.object ?? [:]
                    if list == "containers" { container["restartPolicy"] = nil }
                    container["env"] = variables(
                        container["env"]?.array, plan, isPlain: isPlainRather, using: &numbers)
                    mount(token, into: &container, using: &numbers)
                    return .object(container)
                })
        }
        pod["spec"] = .object(spec)
        pod["metadata"] = metadata(pod["metadata"]?.object ?? [:], isPlain: isPlainRather, using: &numbers)
        return pod
    }

    private static func metadata(
        _ metadata: JSONObject, isPlain: Bool, using numbers: inout RandomNumbers
    ) -> JSONValue {
        var metadata = metadata
        if isPlain, metadata["annotations"] != nil {
            metadata["annotations"] = numbers.chance(50) ? ["team": "x"] : nil
        }
        if numbers.chance(2) { metadata["annotations"] = ["kubernetes.io/config.mirror": "0123456789abcdef"] }
        var labels = metadata["labels"]?.object ?? [:]
        if numbers.chance(15) { labels["azure.workload.identity/use"] = numbers.chance(80) ? "true" : "false" }
        if numbers.chance(4) { labels["eks.amazonaws.com/skip-pod-identity-webhook"] = "true" }
        if numbers.chance(10) { labels["lanyard.dev/inject"] = numbers.chance(80) ? "required" : "false" }
        metadata["labels"] = labels.isEmpty ? nil : .object(labels)
        // The API server writes no empty map.
        if metadata["annotations"]?.object?.isEmpty == true { metadata["annotations"] = nil }
        return .object(metadata)
    }

    /// Some of those that the container has, and some that the plan has: most with its value.
    private static func variables(
        _ present: [JSONValue]?, _ plan: JSONValue, isPlain: Bool, using numbers: inout RandomNumbers
    ) -> JSONValue? {
        let fixed = plan["fixedVariables"]?.object ?? [:]
        let absent = Set((plan["absentVariables"]?.array ?? []).compactMap(\.string))
        var variables = (present ?? []).filter { variable in
            let name = variable["name"]?.string ?? ""
            return !isPlain || fixed[name] == nil && !absent.contains(name)
        }
        for member in fixed where numbers.chance(10) {
            let value = numbers.chance(95) ? member.value : "other"
            if !variables.contains(where: { $0["name"]?.string == member.key }) {
                variables.append(["name": .string(member.key), "value": value])
            }
        }
        return present == nil && variables.isEmpty || variables.isEmpty ? nil : .array(variables)
    }

    private static func mount(_ token: String?, into container: inout JSONObject, using numbers: inout RandomNumbers) {
        var mounts = container["volumeMounts"]?.array ?? []
        if let token {
            mounts.append([
                "name": .string(token), "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true,
            ])
        }
        if numbers.chance(2), let token {
            mounts.append(["name": .string(token), "mountPath": "/var/run/secrets/lanyard.dev/openai"])
        }
        container["volumeMounts"] = mounts.isEmpty ? nil : .array(mounts)
    }
}

extension JSONValue {
    /// As the API server writes it: without members that are null, or that Kubernetes does not know, or an empty `value`.
    fileprivate var known: JSONValue {
        switch self {
        case .object(let members):
            var kept = JSONObject()
            for member in members where !member.value.isNull {
                let isEmptyValue = member.key == "value" && member.value == ""
                if !isEmptyValue, !["fieldOfTheFuture", "newField"].contains(member.key) {
                    kept[member.key] = member.value.known
                }
            }
            return .object(kept)
        case .array(let elements): return .array(elements.map(\.known))
        default: return self
        }
    }
}
