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

    public static let volumeName = "lanyard-verify"
    /// By its full name, so that no `PATH` of the pod's decides what runs. It is where the image has it.
    private static let command: JSONValue = ["/usr/local/bin/lanyard", "verify-in-pod"]

    public let trial: PodTrial
    let pullSecret: String?
    private let image: String

    /// - Parameter isOnNodeNetwork: whether the pod is.
    /// - Returns: `nil` if pods get none, or there is nothing to be tried.
    public init?(of plan: Plan, _ configuration: Configuration, onNodeNetwork isOnNodeNetwork: Bool) {
        guard let image = configuration.verify.image,
            let trial = PodTrial(of: plan, configuration, onNodeNetwork: isOnNodeNetwork)
        else { return nil }
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
        // Equal ones, so that a guaranteed pod stays that. One without any becomes burstable.
        let resources: JSONValue = ["cpu": "100m", "memory": "64Mi"]
        var json: JSONValue = [
            "name": .string(Self.name), "image": .string(image), "command": Self.command,
            "env": [["name": .string(Self.variable), "value": .string(trial.text)]],
            "resources": ["requests": resources, "limits": resources], "securityContext": security,
            "terminationMessagePolicy": "File",
        ]
        if takesFiles {
            json["volumeMounts"] = [
                ["name": .string(Self.volumeName), "mountPath": .string(Self.folder), "readOnly": true]
            ]
        }
        return json
    }

    private var takesFiles: Bool { !trial.audiences.isEmpty || !trial.caSecrets.isEmpty }

    /// A kubelet keeps one token for all volumes of a pod that want the same audience for the same time, so a token of its own
    /// takes a lifetime of its own. 600 seconds are the least that Kubernetes allows.
    ///
    /// https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/token/token_manager.go
    static func lifetime(besides taken: Set<Int>) -> Int {
        var lifetime = 601
        while taken.contains(lifetime) { lifetime += 1 }
        return lifetime
    }

    /// - Parameter lifetimes: those of the tokens in the pod's other volumes.
    /// - Returns: `nil` if it takes no file.
    func volume(besides lifetimes: Set<Int>) -> JSONValue? {
        guard takesFiles else { return nil }
        let lifetime = JSONValue.number(JSONNumber(Self.lifetime(besides: lifetimes)))
        let tokens = trial.audiences.enumerated().map { index, audience in
            var token: JSONValue = ["path": .string(PodTrial.tokenFile(at: index)), "expirationSeconds": lifetime]
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
        return ["name": .string(Self.volumeName), "projected": ["sources": .array(tokens + authorities)]]
    }

    // MARK: What is there

    /// Whether an init container is one of Lanyard's, of whichever plan and release.
    static func isOne(_ container: PodManifest.Container) -> Bool {
        container.list == .initContainers && container.json.map(isOne) == true
    }

    public static func isOne(_ container: JSONValue) -> Bool {
        container["name"]?.string == name && container["command"] == command
    }

    /// What makes an init container of a pod another one than this, so that what it says need not be what came of this one;
    /// `nil` if nothing does.
    ///
    /// Other webhooks give variables and mounts to every container. Those that decide what runs in it are not among them.
    public func difference(of container: JSONValue) -> String? {
        guard container["name"]?.string == Self.name, container["command"] == Self.command,
            isAbsent(container["args"])
        else { return "command" }
        guard container["image"]?.string == image else {
            return "image, which is \((container["image"]?.string ?? "none").shortened) and would be \(image)"
        }
        let variables = container["env"]?.array ?? []
        guard variables.filter({ $0["name"]?.string == Self.variable }).map({ $0["value"]?.string }) == [trial.text]
        else { return Self.variable }
        let decisive = variables.lazy.compactMap { $0["name"]?.string }.first(where: isDecisive)
        if let decisive { return "variable \(decisive.shortened)" }
        guard isAbsent(container["envFrom"]) else { return "envFrom" }
        guard isAbsent(container["restartPolicy"]) else { return "restartPolicy" }
        return difference(ofMounts: container["volumeMounts"]?.array ?? [])
    }

    private func difference(ofMounts mounts: [JSONValue]) -> String? {
        let folder = Self.folder.split(separator: "/")
        var hasFiles = false
        for mount in mounts {
            let path = mount["mountPath"]?.string ?? ""
            let parts = path.split(separator: "/")
            if parts == folder, mount["name"]?.string == Self.volumeName {
                hasFiles = true
            } else if !isOfSecrets(path) || parts.starts(with: folder) || folder.starts(with: parts) {
                return "mount at \(path.shortened)"
            }
        }
        return hasFiles || !takesFiles ? nil : "mount at \(Self.folder)"
    }

    /// Whether a volume of the pod gives the same files.
    ///
    /// For how long a token lives is not compared: it says nothing of who answers, and by a lifetime that another volume has taken
    /// since nobody gains a thing.
    public func matches(volume other: JSONValue) -> Bool {
        func sources(_ volume: JSONValue?) -> [JSONValue] { volume?["projected"]?["sources"]?.array ?? [] }
        return sources(volume(besides: [])).map(Self.content) == sources(other).map(Self.content)
    }

    /// Of a source: which file it gives, from where.
    private static func content(of source: JSONValue) -> [String?] {
        let token = source["serviceAccountToken"]
        let secret = source["secret"]
        let items = secret?["items"]?.array ?? []
        return [token?["path"]?.string, token?["audience"]?.string, secret?["name"]?.string]
            + items.flatMap { [$0["key"]?.string, $0["path"]?.string] }
    }

    /// Whether a variable decides what runs, or who answers.
    private func isDecisive(_ name: String) -> Bool {
        name.hasPrefix("LD_") || ["PATH", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"].contains(name.uppercased())
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
        guard named.allSatisfy(TrialContainer.isOne) else {
            return "the pod has another container \(TrialContainer.name); remove it"
        }
        for difference in named.compactMap({ $0.json.flatMap { container.difference(of: $0) } }) {
            return """
                the pod's container \(TrialContainer.name) differs from what would be added now, so that it is not believed: by \
                its \(difference)
                """
        }
        if let volume = pod.volume(named: TrialContainer.volumeName), !container.matches(volume: volume) {
            return "the pod has a volume \(TrialContainer.volumeName) of other content; remove it"
        }
        return nil
    }
}
