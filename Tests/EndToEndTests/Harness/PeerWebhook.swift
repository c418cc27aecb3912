import AdmissionWebhook
import CoreMetrics
import Foundation
import JSON
import Logging
import ServiceLifecycle

/// A cloud's own webhook, in so far as pods show it: written from what is known of the clouds', and with nothing of
/// Lanyard's injection. https://github.com/aws/amazon-eks-pod-identity-webhook,
/// https://github.com/Azure/azure-workload-identity,
/// https://github.com/pfnet-research/gcp-workload-identity-federation-webhook,
/// https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/ack-pod-identity-webhook
struct PeerWebhook: AdmissionHandler {
    struct WholeObject: ReviewedObject {
        let value: JSONValue
        let isLaborious = false

        init(from json: inout JSONReader) throws {
            value = try json.value()
        }
    }

    /// The annotation by which a test sees that it has been called.
    static let mark = "peer.test/called"

    /// Adds to a container, or leaves it as it is.
    let change: @Sendable (inout JSONValue) -> Void
    /// Each is added if the pod has none of its name.
    let volumes: [JSONValue]

    func review(
        _ request: AdmissionRequest, of object: WholeObject?, replacing oldObject: WholeObject?
    ) async throws -> AdmissionResponse {
        guard let pod = object?.value else { return .allowed() }
        var patch = JSONPatch()
        if pod["metadata"]?["annotations"]?.object == nil {
            patch.add([:], at: JSONPointer("metadata", "annotations"))
        }
        patch.add("true", at: JSONPointer("metadata", "annotations", Self.mark))

        let present = pod["spec"]?["volumes"]?.array
        if present == nil { patch.add([], at: JSONPointer("spec", "volumes")) }
        for volume in volumes where present?.contains(where: { $0["name"] == volume["name"] }) != true {
            patch.add(volume, at: JSONPointer("spec", "volumes", "0"))
        }
        // Whole lists, as the clouds' webhooks send them.
        for list in ["initContainers", "containers"] {
            guard let containers = pod["spec"]?[list]?.array else { continue }
            let changed = containers.map { container in
                var container = container
                change(&container)
                return container
            }
            patch.add(.array(changed), at: JSONPointer("spec", list))
        }
        return .allowed(patch: patch)
    }

    // MARK: The clouds

    /// The EKS webhook: role and token file together, and only if neither is there; a mount if none has its name.
    static let eks = PeerWebhook(
        change: { container in
            let path = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
            if !container.defines("AWS_ROLE_ARN"), !container.defines("AWS_WEB_IDENTITY_TOKEN_FILE") {
                container.append(["name": "AWS_ROLE_ARN", "value": .string(Manifest.role)], to: "env")
                container.append(
                    ["name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": .string("\(path)/token")], to: "env")
            }
            container.mount("aws-iam-token", at: path)
        },
        volumes: [token("aws-iam-token", audience: "sts.amazonaws.com", seconds: 86400, path: "token")])

    /// Azure's: each variable that is absent; a volume with a name that is made of the pod's.
    static let azure = PeerWebhook(
        change: { container in
            let path = "/var/run/secrets/azure/wi"
            let variables = [
                ("AZURE_CLIENT_ID", Manifest.azureClient), ("AZURE_TENANT_ID", Manifest.azureTenant),
                ("AZURE_FEDERATED_TOKEN_FILE", "\(path)/token/azure-identity-token"),
                ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/"),
            ]
            for (name, value) in variables { container.define(name, value) }
            container.mount("azure-workload-identity-reserved-0123abcd", at: path)
        },
        volumes: [
            token(
                "azure-workload-identity-reserved-0123abcd", audience: "api://AzureADTokenExchange", seconds: 3600,
                path: "token/azure-identity-token")
        ])

    /// Google's, in its mode without an init container: it replaces the credentials' variable, whoever set it.
    static let google = PeerWebhook(
        change: { container in
            let path = "/var/run/secrets/workload-identity"
            container.undefine("GOOGLE_APPLICATION_CREDENTIALS")
            container.define("GOOGLE_APPLICATION_CREDENTIALS", "\(path)/federation.json")
            container.define("CLOUDSDK_CORE_PROJECT", "my-project")
            container.mount("gcp-iam-token", at: "/var/run/secrets/sts.googleapis.com/serviceaccount")
            container.mount("external-credential-config", at: path)
        },
        volumes: [
            token("gcp-iam-token", audience: "sts.googleapis.com", seconds: 86400, path: "token"),
            [
                "name": "external-credential-config",
                "downwardAPI": [
                    "items": [
                        [
                            "path": "federation.json",
                            "fieldRef": [
                                "fieldPath": "metadata.annotations['cloud.google.com/external-credentials-json']"
                            ],
                        ]
                    ]
                ],
            ],
        ])

    /// ACK's: each variable that is absent.
    static let alibaba = PeerWebhook(
        change: { container in
            let path = "/var/run/secrets/ack.alibabacloud.com/rrsa-tokens"
            container.define("ALIBABA_CLOUD_ROLE_ARN", Manifest.alibabaRole)
            container.define("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", Manifest.alibabaProvider)
            container.define("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "\(path)/token")
            container.mount("rrsa-oidc-token", at: path)
        },
        volumes: [token("rrsa-oidc-token", audience: "sts.aliyuncs.com", seconds: 3600, path: "token")])

    private static func token(_ name: String, audience: String, seconds: Int, path: String) -> JSONValue {
        let source: JSONValue = [
            "serviceAccountToken": [
                "audience": .string(audience), "expirationSeconds": .number(JSONNumber(seconds)), "path": .string(path),
            ]
        ]
        return ["name": .string(name), "projected": ["sources": [source]]]
    }
}

extension JSONValue {
    fileprivate func defines(_ variable: String) -> Bool {
        self["env"]?.array?.contains { $0["name"]?.string == variable } ?? false
    }

    fileprivate mutating func define(_ variable: String, _ value: String) {
        if !defines(variable) { append(["name": .string(variable), "value": .string(value)], to: "env") }
    }

    fileprivate mutating func undefine(_ variable: String) {
        self["env"] = self["env"]?.array.map { .array($0.filter { $0["name"]?.string != variable }) }
    }

    fileprivate mutating func append(_ element: JSONValue, to list: String) {
        self[list] = .array((self[list]?.array ?? []) + [element])
    }

    fileprivate mutating func mount(_ volume: String, at path: String) {
        guard self["volumeMounts"]?.array?.contains(where: { $0["name"]?.string == volume }) != true else { return }
        append(["name": .string(volume), "mountPath": .string(path), "readOnly": true], to: "volumeMounts")
    }
}

extension ControlPlane {
    /// Registers a webhook beside Lanyard's for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - name: the configuration's: webhooks are called in the order of their names.
    ///   - reinvocation: whether it is called again if another one has changed the pod: `Never` or `IfNeeded`.
    func withWebhook(
        _ webhook: PeerWebhook, named name: String, reinvocation: String,
        _ body: () async throws -> Void
    ) async throws {
        let bundle = try CertificateBundle.rotating(nil, for: ServingNames(hosts: ["127.0.0.1"]), at: .now).bundle
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "peer") { _ in SwiftLogNoOpLogHandler() }
        let server = AdmissionServer(
            configuration: AdmissionServer.Configuration(host: "127.0.0.1", port: 0),
            handlers: ["/mutate": webhook],
            certificate: try RotatingCertificate(bundle.servingCertificate, metrics: NOOPMetricsHandler.instance),
            metrics: NOOPMetricsHandler.instance, logger: logger
        ) { running.yield($0) }
        let services = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { running.finish() }
                try await services.run()
            }
            let outcome: Result<Void, any Error>
            do {
                guard let port = await ports.first(where: { _ in true }) else {
                    throw CommandFailure(description: "the webhook \(name) did not start")
                }
                try await register(
                    name, url: "https://127.0.0.1:\(port)/mutate", caBundle: Data(try bundle.caBundlePEM), reinvocation)
                outcome = .success(try await body())
            } catch {
                outcome = .failure(error)
            }
            // It refuses pods while it is away: the registration goes first.
            try await kubectl("delete", "mutatingwebhookconfiguration", name, "--ignore-not-found")
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            try outcome.get()
        }
    }

    private func register(_ name: String, url: String, caBundle: Data, _ reinvocation: String) async throws {
        let configuration: JSONValue = [
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": ["name": .string(name)],
            "webhooks": [
                [
                    "name": "peer.webhook.test",
                    "clientConfig": ["url": .string(url), "caBundle": .string(caBundle.base64EncodedString())],
                    "rules": [
                        ["apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]]
                    ],
                    "objectSelector": ["matchLabels": ["peer": "here"]],
                    "failurePolicy": "Fail", "reinvocationPolicy": .string(reinvocation), "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                ]
            ],
        ]
        try await apply(configuration.serializedString())
        let namespace = try await namespace()
        try await apply(Manifest.serviceAccount(in: namespace, [:]))
        try await eventually("the API server calls \(name)") {
            let tried = try await kubectl(
                "apply", "--dry-run=server", "-o", "json", "-f", "-",
                input: Manifest.pod(in: namespace, labels: ["peer": "here"]))
            let pod = try JSONValue(parsing: Array(tried.output.utf8))
            if pod.annotations[PeerWebhook.mark] == nil { throw CommandFailure(description: "not called") }
        }
    }
}
