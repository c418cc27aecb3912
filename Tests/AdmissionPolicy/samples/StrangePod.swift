import JSON

/// Pods that were thought of rather than made up: each plain but for one thing, by which somebody might get past the policy's
/// conditions, or be kept from what the webhook would give.
struct StrangePod {
    let what: String
    let pod: JSONValue

    /// For an identity whose plan is in a CredentialPlanSet.
    static func all(of identity: SampleIdentity, _ plan: JSONValue) -> [StrangePod] {
        let changes =
            volumes(plan) + mounts(plan) + variables(plan) + containers(plan) + specifications + metadata
            + [Change("is plain") { _ in }]
        return changes.map { change in
            var pod = plain(identity)
            change.make(&pod)
            return StrangePod(what: "\(identity.name), a pod that \(change.what)", pod: pod)
        }
    }

    private struct Change: Sendable {
        let what: String
        let make: @Sendable (inout JSONValue) -> Void

        init(_ what: String, _ make: @escaping @Sendable (inout JSONValue) -> Void) {
            self.what = what
            self.make = make
        }
    }

    private static func plain(_ identity: SampleIdentity) -> JSONValue {
        let token: JSONValue = ["serviceAccountToken": ["path": "token"]]
        return [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a-pod", "labels": ["app": "x"]],
            "spec": [
                "serviceAccountName": .string(identity.name),
                "volumes": [
                    ["name": "kube-api-access-x7k2p", "projected": ["sources": [token]]],
                    ["name": "data", "emptyDir": [:]],
                ],
                "containers": [container("app"), container("worker")],
            ],
        ]
    }

    private static func container(_ name: String) -> JSONValue {
        [
            "name": .string(name), "image": "image:1",
            "volumeMounts": [
                ["name": "kube-api-access-x7k2p", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"]
            ],
        ]
    }

    // MARK: Volumes and mounts

    private static func volumes(_ plan: JSONValue) -> [Change] {
        let otherToken: JSONValue = ["serviceAccountToken": ["audience": "x", "path": "token"]]
        return (plan["volumes"]?.array ?? []).flatMap { volume -> [Change] in
            let name = volume["name"] ?? .null
            var withMode = volume
            withMode["projected"]?["defaultMode"] = 420
            let others: [(String, JSONValue)] = [
                ("an emptyDir", ["name": name, "emptyDir": [:]]), ("the plan's volume already", volume),
                ("the plan's volume as the API server stores it", withMode),
                ("a token for another audience", ["name": name, "projected": ["sources": [otherToken]]]),
            ]
            return others.map { what, other in
                Change("has \(what), called \(name.string ?? "")") { $0.append(other, to: "volumes") }
            } + [
                Change("has the volume \(name.string ?? ""), mounted elsewhere") { pod in
                    pod.append(["name": name, "emptyDir": [:]], to: "volumes")
                    pod.changeContainer { $0.append(["name": name, "mountPath": "/data"], to: "volumeMounts") }
                }
            ]
        }
    }

    private static func mounts(_ plan: JSONValue) -> [Change] {
        let own = (plan["mounts"]?.array ?? []).compactMap { $0["mount"]?["mountPath"]?.string }
        let paths =
            [
                "/", "/var", "/var/run", "/var/run/", "/run", "/run/secrets", "/var/run/secrets", "/var/run/secrets/",
                "/var/run/secrets/lanyard.dev", "/var/run/secrets/lanyard.dev/", "/var/run/secrets/lanyard.dev//",
                "/var/run//secrets/lanyard.dev", "/var/run/./secrets/lanyard.dev/x", "/run/secrets/lanyard.dev/x",
                "/var/run/secrets/x/../lanyard.dev/x", "/var/run/secrets/lanyard.development",
                "/var/run/secrets/Lanyard.dev/x", "var/run/secrets/lanyard.dev/x",
                "/var/run/secrets/lanyard.dev/nothing",
            ]
            + own.flatMap { path in
                let written = path.dropFirst("/var/run/secrets/".count)
                return [
                    path, path + "/", path + "//", path + "/token", path + "x", "/var/run/secrets//\(written)",
                    "/var/run/secrets/./\(written)", "/run/secrets/\(written)", "//var/run/secrets/\(written)",
                ]
            }
        func change(_ volume: String, _ path: String, _ list: String) -> Change {
            Change("mounts \(volume) at \(path) in one of its \(list)") { pod in
                if list == "initContainers" { pod["spec"]?[list] = [container("warm-up")] }
                pod.changeContainer(of: list) {
                    $0.append(["name": .string(volume), "mountPath": .string(path)], to: "volumeMounts")
                }
            }
        }
        // One that can be written to, and one that cannot.
        return paths.flatMap { [change("data", $0, "containers"), change("kube-api-access-x7k2p", $0, "containers")] }
            + own.map { change("data", $0, "initContainers") }
    }

    // MARK: Variables

    private static func variables(_ plan: JSONValue) -> [Change] {
        let own = (plan["groups"]?.array ?? []).flatMap { $0["env"]?.array ?? [] }
        let ofOwn = own.flatMap { variable -> [Change] in
            let name = variable["name"] ?? .null
            let value = variable["value"]?.string ?? ""
            func text(_ text: String) -> JSONValue { ["name": name, "value": .string(text)] }
            let settings: [(String, [JSONValue])] = [
                ("to the plan's value", [text(value)]), ("to another value", [text("other")]),
                ("to nothing", [["name": name]]),
                ("to the plan's value and a space", [text(value + " ")]), ("to a reference", [text("$(OTHER)")]),
                ("to the plan's value and another", [text(value), text("other")]),
                ("to another value and the plan's", [text("other"), text(value)]),
                ("to the plan's value twice", [text(value), text(value)]),
                ("from a Secret", [["name": name, "valueFrom": ["secretKeyRef": ["name": "s", "key": "k"]]]]),
                ("from its own name", [["name": name, "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]]]),
                ("to a path of its own", [text("/var/run/secrets/mine/token")]),
                ("to a path of its own that is mounted", [text("/var/run/secrets/kubernetes.io/serviceaccount/token")]),
                ("in small letters", [["name": .string(name.string?.lowercased() ?? ""), "value": "other"]]),
            ]
            return settings.map { what, variables in
                Change("sets \(name.string ?? "") \(what)") { pod in
                    pod.changeContainer { container in
                        for variable in variables { container.append(variable, to: "env") }
                    }
                }
            }
        }
        let others = (plan["absentVariables"]?.array ?? []).compactMap(\.string).map { name in
            Change("sets \(name)") { pod in
                pod.changeContainer { $0.append(["name": .string(name), "value": "/x"], to: "env") }
            }
        }
        let everything = Change("sets all of the plan's variables to its values") { pod in
            pod.changeContainer { container in
                for variable in own { container.append(variable, to: "env") }
            }
        }
        let sources = Change("has variables from a ConfigMap") { pod in
            pod.changeContainer { $0["envFrom"] = [["configMapRef": ["name": "settings"]]] }
        }
        return ofOwn + others + [everything, sources]
    }

    // MARK: Containers

    private static func containers(_ plan: JSONValue) -> [Change] {
        func named(_ names: [String], in list: String) -> Change {
            Change("has the \(list) \(names.prefix(3).joined(separator: ", ")) (\(names.count))") { pod in
                pod["spec"]?[list] = .array(names.map(container))
            }
        }
        let listed = (plan["oneOfContainers"]?.array ?? []).flatMap { $0.array ?? [] }.compactMap(\.string)
        return [
            named((1...50).map { "container-\($0)" }, in: "containers"), named(["other"], in: "containers"),
            named(["warm-up"], in: "initContainers"), named(["proxy", "app-2"], in: "initContainers"),
            Change("has a sidecar") { pod in
                pod["spec"]?["initContainers"] = [container("proxy")]
                pod.changeContainer(of: "initContainers") { $0["restartPolicy"] = "Always" }
            },
            Change("has a container without mounts") { pod in
                pod.changeContainer { $0["volumeMounts"] = nil }
            },
            Change("has an ephemeral container") { pod in
                pod["spec"]?["ephemeralContainers"] = [container("debugger")]
            },
        ] + listed.flatMap { [named([$0], in: "containers"), named([$0], in: "initContainers")] }
    }

    // MARK: The rest

    private static let specifications: [Change] = {
        let members: [(String, JSONValue)] = [
            ("hostNetwork", true), ("automountServiceAccountToken", true), ("automountServiceAccountToken", false),
            ("os", ["name": "linux"]), ("os", ["name": "windows"]), ("nodeSelector", ["kubernetes.io/os": "windows"]),
            ("nodeSelector", ["kubernetes.io/os": "linux"]), ("nodeSelector", ["beta.kubernetes.io/os": "windows"]),
            ("nodeSelector", ["kubernetes.io/os": "Windows"]), ("nodeSelector", ["my-kubernetes.io/os": "windows"]),
            ("nodeSelector", ["kubernetes.io/arch": "windows"]), ("shareProcessNamespace", true),
            ("restartPolicy", "Never"),
        ]
        return members.map { name, value in
            Change("says \(name): \(value.serializedString())") { $0["spec"]?[name] = value }
        } + [
            Change("has no volumes") { pod in
                pod["spec"]?["volumes"] = nil
                for index in 0...1 { pod.changeContainer(index) { $0["volumeMounts"] = nil } }
            },
            Change("names its ServiceAccount in the older field, too") { pod in
                let name = pod["spec"]?["serviceAccountName"]
                pod["spec"]?["serviceAccount"] = name
            },
        ]
    }()

    private static let metadata: [Change] = {
        let annotations = [
            ("lanyard.dev/plan", "forged"), ("lanyard.dev/plan", ""),
            ("lanyard.dev/injected", "openai=openai-federation"), ("lanyard.dev/problems", "none"),
            ("lanyard.dev/unknown", "x"), ("lanyard.dev/inject", "false"),
            ("lanyard.dev/inject", "true"), ("lanyard.dev/skip-containers", "app"), ("lanyard.dev/verify", "true"),
            ("lanyard.dev/google-vertex-credentials", "{}"), ("lanyard.dev/vault-path.groq", "secret/data/other"),
            ("eks.amazonaws.com/role-arn", "arn:aws:iam::111122223333:role/other"), ("team", "x"),
            ("eks.amazonaws.com/skip-containers", "app"), ("azure.workload.identity/client-id", "x"),
            ("azure.workload.identity/skip-containers", "app"), ("iam.gke.io/gcp-service-account", "x"),
            ("cloud.google.com/skip-containers", "app"), ("vault.hashicorp.com/agent-inject", "false"),
            ("openbao.org/agent-inject", "true"), ("pod-identity.alibabacloud.com/role-name", "x"),
            ("LANYARD.dev/skip-containers", "app"), ("my-lanyard.dev/plan", "x"), ("lanyard.dev.example/plan", "x"),
            ("lanyard.devil/plan", "x"), ("kubernetes.io/config.mirror", "0123456789abcdef"),
        ]
        let labels = [
            ("lanyard.dev/inject", "required"), ("lanyard.dev/inject", "false"), ("lanyard.dev/inject", "true"),
            ("lanyard.dev/inject", "FALSE"), ("lanyard.dev/inject", ""), ("lanyard.dev/injected-by", "policy"),
            ("lanyard.dev/policy", "enforce"),
            ("lanyard.dev/plan", "forged"), ("lanyard.dev/skip-containers", "app"), ("lanyard.dev/providers", "openai"),
            ("azure.workload.identity/use", "true"), ("azure.workload.identity/use", "TRUE"),
            ("azure.workload.identity/use", "false"), ("azure.workload.identity/client-id", "x"),
            ("eks.amazonaws.com/skip-pod-identity-webhook", "true"), ("eks.amazonaws.com/pod-identity", "enabled"),
            ("eks.amazonaws.com/unknown", "x"), ("iam.gke.io/x", "y"),
        ]
        func change(_ kind: String, _ pairs: [(String, String)]) -> [Change] {
            pairs.map { name, value in
                Change("has among its \(kind) \(name): \(value)") { pod in
                    var members = pod["metadata"]?[kind] ?? [:]
                    members[name] = .string(value)
                    pod["metadata"]?[kind] = members
                }
            }
        }
        return change("annotations", annotations) + change("labels", labels) + [
            Change("has no labels") { $0["metadata"]?["labels"] = nil },
            Change("has no name yet") { $0["metadata"] = ["generateName": "a-pod-"] },
        ]
    }()
}

extension JSONValue {
    fileprivate mutating func append(_ element: JSONValue, to list: String) {
        if self["spec"] != nil {
            self["spec"]?.append(element, to: list)
        } else {
            self[list] = .array((self[list]?.array ?? []) + [element])
        }
    }

    /// Changes one container of a pod, the first one if no other is named.
    fileprivate mutating func changeContainer(
        _ index: Int = 0, of list: String = "containers", _ change: (inout JSONValue) -> Void
    ) {
        guard var containers = self["spec"]?[list]?.array, containers.indices.contains(index) else { return }
        change(&containers[index])
        self["spec"]?[list] = .array(containers)
    }
}
