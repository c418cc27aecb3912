import JSON

/// AdmissionReviews as an API server sends them for the pods of Deployments, and the objects that they are about.
///
/// Everything is a function of the arguments: two runs send the same bytes.
struct AdmissionReviews {
    static let namespace = "bench"

    /// In bytes, about.
    static let sizes = [2_000, 15_000, 60_000, 250_000]

    /// What the pods' ServiceAccounts ask for.
    enum Demand: String, CaseIterable {
        /// IRSA, as the EKS Pod Identity Webhook knows it.
        case one
        /// Four providers, of four clouds.
        case four
        /// Nothing: most of the pods of most clusters.
        case none
    }

    /// So many ServiceAccounts of a demand take turns.
    static let accounts = 8

    /// Reviews of about this many bytes each, one for each ServiceAccount.
    static func reviews(of size: Int, for demand: Demand) -> [JSONValue] {
        (0..<accounts).map { index in
            var pod = BenchmarkPod(account: account(index, demand), containers: containers(in: size), seed: index)
            let bare = review(of: pod, index).serialized().count
            pod.grow(by: size - bare)
            return review(of: pod, index)
        }
    }

    /// What has to be in the cluster.
    static var cluster: [JSONValue] {
        let namespace: JSONValue = [
            "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)],
        ]
        return [namespace]
            + Demand.allCases.flatMap { demand in
                (0..<accounts).map { index in
                    [
                        "apiVersion": "v1", "kind": "ServiceAccount",
                        "metadata": [
                            "name": .string(account(index, demand)), "namespace": .string(Self.namespace),
                            "annotations": .object(annotations(demand, index)),
                        ],
                    ]
                }
            }
    }

    private static func account(_ index: Int, _ demand: Demand) -> String { "\(demand)-\(index)" }

    private static func annotations(_ demand: Demand, _ index: Int) -> JSONObject {
        let bedrock: JSONObject = [
            "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bench-\(index)",
            "eks.amazonaws.com/sts-regional-endpoints": "true",
            "lanyard.dev/aws-region": "eu-central-1",
        ]
        switch demand {
        case .none: return ["team": "bench"]
        case .one: return bedrock
        case .four:
            var annotations = bedrock
            annotations["azure.workload.identity/client-id"] = "11111111-2222-4333-8444-55555555555\(index)"
            annotations["azure.workload.identity/tenant-id"] = "66666666-7777-4888-9999-aaaaaaaaaaaa"
            annotations["cloud.google.com/workload-identity-provider"] =
                "projects/123456789012/locations/global/workloadIdentityPools/clusters/providers/bench"
            annotations["lanyard.dev/gcp-project"] = "bench-project"
            annotations["lanyard.dev/gcp-location"] = "europe-west4"
            annotations["lanyard.dev/anthropic-federation-rule-id"] = "fdrl_01Bench"
            annotations["lanyard.dev/anthropic-organization-id"] = "11111111-2222-4333-8444-555555555555"
            annotations["lanyard.dev/anthropic-service-account-id"] = "svac_01Bench\(index)"
            return annotations
        }
    }

    private static func containers(in size: Int) -> Int {
        switch size {
        case ..<4000: 1
        case ..<30000: 4
        case ..<100_000: 8
        default: 16
        }
    }

    private static func review(of pod: BenchmarkPod, _ index: Int) -> JSONValue {
        let kind: JSONValue = ["group": "", "version": "v1", "kind": "Pod"]
        let resource: JSONValue = ["group": "", "version": "v1", "resource": "pods"]
        return [
            "kind": "AdmissionReview",
            "apiVersion": "admission.k8s.io/v1",
            "request": [
                "uid": "705ab4f5-6393-11e8-b7cc-42010a80000\(index)",
                "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
                "namespace": .string(namespace),
                "operation": "CREATE",
                "userInfo": [
                    "username": "system:serviceaccount:kube-system:replicaset-controller",
                    "uid": "b6a5f9a3-2f06-4a0e-8a7c-0242ac12000\(index)",
                    "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
                ],
                "object": pod.json,
                "oldObject": .null,
                "dryRun": false,
                "options": ["kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"],
            ],
        ]
    }
}

/// A pod that can be made larger by what makes pods large: variables.
private struct BenchmarkPod {
    private let account: String
    private let seed: Int
    private var environments: [[JSONValue]]

    init(account: String, containers: Int, seed: Int) {
        self.account = account
        self.seed = seed
        environments = Array(repeating: [], count: containers)
    }

    /// Adds variables to the containers in turn, until the pod is larger by about so many bytes.
    mutating func grow(by bytes: Int) {
        var left = bytes
        var index = 0
        while left > 0 {
            let variable = Self.variable(index / environments.count, seed, room: left)
            environments[index % environments.count].append(variable)
            left -= variable.serialized().count + 1
            index += 1
        }
    }

    private static func variable(_ index: Int, _ seed: Int, room: Int) -> JSONValue {
        switch index % 5 {
        case 0: ["name": "SERVICE_\(index)_URL", "value": "https://service-\(index).shop-\(seed).svc:8443/api/v1"]
        case 1:
            [
                "name": "SECRET_\(index)",
                "valueFrom": ["secretKeyRef": ["name": "application-secrets", "key": "secret-\(index)"]],
            ]
        case 2: ["name": "FEATURE_\(index)_ENABLED", "value": "true"]
        case 3:
            [
                "name": "POD_FIELD_\(index)",
                "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": "status.podIP"]],
            ]
        default:
            [
                "name": "SETTINGS_\(index)",
                "value": .string(#"{"retries": 3, "timeout": "30s", "pool": {"size": 16, "idle": "5m"}}"#),
            ]
        }
    }

    var json: JSONValue {
        [
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": metadata,
            "spec": spec,
            "status": [:],
        ]
    }

    private var isSmall: Bool { environments.count == 1 }

    private var metadata: JSONValue {
        var metadata: JSONValue = [
            "generateName": "checkout-6d4cf56db6-",
            "creationTimestamp": .null,
            "labels": [
                "app.kubernetes.io/name": "checkout", "app.kubernetes.io/instance": "checkout-\(seed)",
                "app.kubernetes.io/version": "1.24.0", "pod-template-hash": "6d4cf56db6",
            ],
            "annotations": [
                "prometheus.io/scrape": "true", "prometheus.io/port": "9090",
                "kubectl.kubernetes.io/restartedAt": "2026-03-01T10:11:12Z",
                "checksum/config": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            ],
            "ownerReferences": [
                [
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "checkout-6d4cf56db6",
                    "uid": "0f3c0a8e-4f6b-4e43-9f0c-3d2a1b0c9d8\(seed)", "controller": true,
                    "blockOwnerDeletion": true,
                ]
            ],
        ]
        if !isSmall {
            metadata["managedFields"] = [
                [
                    "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
                    "time": "2026-03-01T10:11:13Z", "fieldsType": "FieldsV1",
                    "fieldsV1": [
                        "f:metadata": [
                            "f:annotations": [".": [:], "f:prometheus.io/scrape": [:], "f:prometheus.io/port": [:]],
                            "f:generateName": [:],
                            "f:labels": [".": [:], "f:app.kubernetes.io/name": [:], "f:pod-template-hash": [:]],
                            "f:ownerReferences": [".": [:]],
                        ],
                        "f:spec": [
                            "f:containers": .object(managedContainers), "f:dnsPolicy": [:],
                            "f:restartPolicy": [:], "f:schedulerName": [:], "f:serviceAccountName": [:],
                            "f:terminationGracePeriodSeconds": [:],
                        ],
                    ],
                ]
            ]
        }
        return metadata
    }

    private var managedContainers: JSONObject {
        var members = JSONObject()
        for index in environments.indices {
            members[#"k:{"name":"\#(name(index))"}"#] = [
                ".": [:], "f:image": [:], "f:imagePullPolicy": [:], "f:name": [:], "f:resources": [:],
                "f:terminationMessagePath": [:], "f:terminationMessagePolicy": [:], "f:env": [".": [:]],
            ]
        }
        return members
    }

    private var spec: JSONValue {
        [
            "volumes": [
                ["name": "tmp", "emptyDir": [:]],
                ["name": "config", "configMap": ["name": "checkout-config", "defaultMode": 420]],
                [
                    "name": "kube-api-access-x2x4k",
                    "projected": [
                        "sources": [
                            ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
                            [
                                "configMap": [
                                    "name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]],
                                ]
                            ],
                            [
                                "downwardAPI": [
                                    "items": [
                                        [
                                            "path": "namespace",
                                            "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"],
                                        ]
                                    ]
                                ]
                            ],
                        ],
                        "defaultMode": 420,
                    ],
                ],
            ],
            "containers": .array(environments.indices.map(container)),
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": .string(account),
            "serviceAccount": .string(account),
            "securityContext": ["runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]],
            "schedulerName": "default-scheduler",
            "tolerations": [
                [
                    "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                    "tolerationSeconds": 300,
                ],
                [
                    "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
                    "tolerationSeconds": 300,
                ],
            ],
            "priority": 0,
            "enableServiceLinks": true,
            "preemptionPolicy": "PreemptLowerPriority",
        ]
    }

    private func name(_ index: Int) -> String { index == 0 ? "app" : "sidecar-\(index)" }

    private func container(_ index: Int) -> JSONValue {
        var container: JSONValue = [
            "name": .string(name(index)),
            "image": "registry.example.com/shop/checkout-\(index):1.24.0",
            "args": ["--listen=:8080", "--log-format=json", "--config=/etc/checkout/config.yaml"],
            "ports": [["name": "http", "containerPort": .number(JSONNumber(8080 + index)), "protocol": "TCP"]],
            "env": .array(environments[index]),
            "resources": [
                "limits": ["cpu": "2", "memory": "1Gi"], "requests": ["cpu": "250m", "memory": "512Mi"],
            ],
            "volumeMounts": [
                ["name": "tmp", "mountPath": "/tmp"],
                ["name": "config", "readOnly": true, "mountPath": "/etc/checkout"],
                [
                    "name": "kube-api-access-x2x4k", "readOnly": true,
                    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                ],
            ],
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": [
                "capabilities": ["drop": ["ALL"]], "readOnlyRootFilesystem": true,
                "allowPrivilegeEscalation": false,
            ],
        ]
        if !isSmall {
            let probe: JSONValue = [
                "httpGet": ["path": "/healthz", "port": "http", "scheme": "HTTP"], "timeoutSeconds": 1,
                "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
            ]
            container["livenessProbe"] = probe
            container["readinessProbe"] = probe
        }
        return container
    }
}
