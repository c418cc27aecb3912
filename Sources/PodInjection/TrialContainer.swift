public import JSON
public import WorkloadIdentity

/// The init container of Lanyard's image in which a pod tries whether the providers trust it, with the tokens for that.
///
/// It ends within seconds and well, whatever comes of it, which is its termination message.
public struct TrialContainer: Sendable {
    public static let name = "lanyard-verify"
    /// What it is to try.
    public static let variable = "LANYARD_TRIAL"
    /// Where its tokens are.
    public static let folder = "/var/run/secrets/lanyard.dev/verify"

    static let volumeName = "lanyard-verify"
    private static let command: JSONValue = ["lanyard", "verify-in-pod"]

    public let trial: PodTrial
    let pullSecret: String?
    private let image: String

    /// - Returns: `nil` if pods get none, or there is nothing to be tried.
    public init?(of plan: Plan, _ configuration: Configuration) {
        guard let image = configuration.verify.image, let trial = PodTrial(of: plan, configuration) else { return nil }
        self.image = image
        self.trial = trial
        pullSecret = configuration.verify.imagePullSecret
    }

    // MARK: What is added

    /// - Parameter asAnotherUser: whether the pod says that its containers run as root.
    func json(asAnotherUser: Bool) -> JSONValue {
        var security: JSONValue = [
            "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]], "privileged": false,
            "readOnlyRootFilesystem": true, "runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"],
        ]
        // The image has a user. Named here, OpenShift would deny the pod, since a user is not of its namespace's range.
        if asAnotherUser { security["runAsUser"] = 65532 }
        // Equal ones, so that the pod's class of service stays what it is.
        let resources: JSONValue = ["cpu": "100m", "memory": "64Mi"]
        var json: JSONValue = [
            "name": .string(Self.name), "image": .string(image), "command": Self.command,
            "env": [["name": .string(Self.variable), "value": .string(trial.text)]],
            "resources": ["requests": resources, "limits": resources], "securityContext": security,
            "terminationMessagePolicy": "File",
        ]
        if volume != nil {
            json["volumeMounts"] = [
                ["name": .string(Self.volumeName), "mountPath": .string(Self.folder), "readOnly": true]
            ]
        }
        return json
    }

    /// `nil` if it takes no file.
    var volume: JSONValue? {
        let tokens = trial.audiences.enumerated().map { index, audience in
            var token: JSONValue = ["path": .string(PodTrial.tokenFile(at: index)), "expirationSeconds": 3600]
            token["audience"] = audience.map { .string($0) }
            return ["serviceAccountToken": token] as JSONValue
        }
        // Without one of these the trial fails, and not the pod.
        let authorities = trial.caSecrets.map { secret in
            [
                "secret": [
                    "name": .string(secret), "optional": true,
                    "items": [["key": "ca.crt", "path": .string(PodTrial.certificateFile(of: secret))]],
                ]
            ] as JSONValue
        }
        guard !tokens.isEmpty || !authorities.isEmpty else { return nil }
        return ["name": .string(Self.volumeName), "projected": ["sources": .array(tokens + authorities)]]
    }

    // MARK: What is there

    /// Whether an init container is one of Lanyard's, of whichever plan and release.
    static func isOne(_ container: PodManifest.Container) -> Bool {
        container.list == .initContainers && container.name == name && container.json?["command"] == command
    }

    /// Whether an init container of a pod is this one, so that what it says is what came of it.
    ///
    /// Other webhooks give variables and mounts to every container. Those that decide what runs in it are not among them.
    public func matches(_ container: JSONValue) -> Bool {
        guard container["name"]?.string == Self.name, container["image"]?.string == image,
            container["command"] == Self.command, isAbsent(container["args"]), isAbsent(container["envFrom"]),
            isAbsent(container["restartPolicy"])
        else { return false }
        let variables = container["env"]?.array ?? []
        let mounts = container["volumeMounts"]?.array ?? []
        let ours = variables.filter { $0["name"]?.string == Self.variable }
        return ours.map { $0["value"]?.string } == [trial.text]
            && !variables.contains { isDecisive($0["name"]?.string ?? "") }
            && mounts.allSatisfy { isOfSecrets($0["mountPath"]?.string ?? "") }
            && (volume == nil || mounts.contains { $0["mountPath"]?.string == Self.folder })
    }

    /// Whether a volume of the pod gives the same files.
    func matches(volume other: JSONValue) -> Bool {
        func sources(_ volume: JSONValue?) -> [JSONValue] { volume?["projected"]?["sources"]?.array ?? [] }
        return sources(volume).map(Self.content) == sources(other).map(Self.content)
    }

    /// Of a source: which file it gives, from where.
    private static func content(of source: JSONValue) -> [String?] {
        let token = source["serviceAccountToken"]
        let secret = source["secret"]
        return [
            token?["path"]?.string, token?["audience"]?.string, secret?["name"]?.string,
            secret?["items"]?.array?.first?["path"]?.string,
        ]
    }

    /// Whether a variable decides what runs, or who answers.
    private func isDecisive(_ name: String) -> Bool {
        name.hasPrefix("LD_") || ["HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"].contains(name.uppercased())
    }

    private func isAbsent(_ value: JSONValue?) -> Bool { value.map { $0.isNull || $0.array?.isEmpty == true } ?? true }

    private func isOfSecrets(_ path: String) -> Bool {
        path.hasPrefix("/var/run/secrets/") && !path.split(separator: "/").contains("..")
    }
}

extension Injection {
    /// Why a pod that asks for a trial gets none.
    static func obstacle(
        to plan: Plan, _ configuration: Configuration, in pod: PodManifest, _ container: TrialContainer?
    ) -> String? {
        if pod.operatingSystem == .windows { return "the pod is for Windows, and Lanyard's image is not" }
        if configuration.verify.image == nil {
            return "the operator's configuration has no verify.image; set the chart's verify.inPods.enabled"
        }
        guard let container else { return "nothing that the pod gets is exchanged with a provider" }
        let named = (pod.containers(in: .initContainers) + pod.containers(in: .containers)).filter {
            $0.name == TrialContainer.name
        }
        guard named.allSatisfy({ $0.list == .initContainers && $0.json.map { container.matches($0) } ?? false }) else {
            return "the pod has another container \(TrialContainer.name); remove it"
        }
        if let volume = pod.volume(named: TrialContainer.volumeName), !container.matches(volume: volume) {
            return "the pod has a volume \(TrialContainer.volumeName) of other content; remove it"
        }
        return nil
    }
}
