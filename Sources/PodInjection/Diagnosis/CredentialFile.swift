internal import JSON
internal import WorkloadIdentity

/// The token that a container finds where its SDK looks for it, as the kubelet writes it.
public struct CredentialFile: Hashable, Sendable {
    public let path: String
    /// What the container sees there; `nil`: no volume, only its image.
    public private(set) var volume: String?
    public private(set) var audience: String?
    /// How long a token lives. The kubelet renews it when a fifth of that is left, and each day.
    public private(set) var expirationSeconds: Int?
    /// Mode and owner; `nil` if there is no token.
    public private(set) var permissions: String?
    /// Why the SDK cannot use it, and what to do; `nil` if it can.
    public private(set) var obstacle: String?
    /// What is to be known although it can.
    public private(set) var doubt: String?

    /// - Returns: `nil` for a mechanism without a token that containers see.
    init?(of outcome: Binding.Outcome, in container: PodManifest.Container, of pod: ExaminedPod) {
        guard let volume = outcome.addition.volume, let mountPath = volume.mountPath,
            case .token(let token, _) = volume.source
        else { return nil }
        path = Self.path(of: token, at: mountPath, outcome, in: container)
        let system = pod.manifest.operatingSystem
        guard let place = ContainerPath(path, on: system) else {
            obstacle = "where \(path.shortened) is cannot be told before the container runs"
            return
        }
        guard let mount = Mount(over: place, in: pod.json(of: container), on: system) else {
            obstacle = "no volume is mounted there"
            return
        }
        self.volume = mount.volume
        let content = pod.manifest.volume(named: mount.volume) ?? [:]
        let source = (content["projected"]?["sources"]?.array ?? []).compactMap { $0["serviceAccountToken"] }
            .first { $0["path"]?.string == mount.file }
        guard let source else {
            obstacle = """
                the volume \(mount.volume.shortened), mounted at \(mount.path.shortened), is what the container sees there, and \
                it has no token of that name; mount it elsewhere
                """
            return
        }
        audience = source["audience"]?.string
        expirationSeconds = source["expirationSeconds"]?.integer
        let rights = TokenFilePermissions(ofTokenIn: content, of: pod)
        permissions = rights.text
        judge(rights, user: pod.user(of: pod.json(of: container)), mount)
    }

    private mutating func judge(_ rights: TokenFilePermissions, user: Int?, _ mount: Mount) {
        switch rights.isReadable(by: user) {
        case true: break
        case false:
            obstacle = """
                the container runs as user \(user.map { String($0) } ?? ""), who cannot read it; set \
                securityContext.fsGroup of the pod
                """
        case nil: doubt = "only root can read it: whether the container is root, its image says"
        }
        if mount.isOfOneFile, obstacle == nil {
            obstacle = """
                it is mounted by subPath, so it is never renewed, and is of no use once it has expired; mount the volume as a \
                folder
                """
        }
    }

    /// Where the container's variable says, else where Lanyard mounts it.
    private static func path(
        of token: PodAddition.Volume.Token, at mountPath: String, _ outcome: Binding.Outcome,
        in container: PodManifest.Container
    ) -> String {
        let variables = outcome.addition.groups.filter { $0.containers.contains(container.name) }.flatMap(\.variables)
        let named = variables.first { variable in
            guard variable.isInVolume, case .text(let text) = variable.value else { return false }
            return text.hasSuffix("/\(token.path)") || text.hasSuffix("\\\(token.path)")
        }
        if let named, case .text(let own)? = container.value(of: named.name), !own.isEmpty { return own }
        return "\(mountPath)/\(token.path)"
    }
}

/// The mount through which a container sees a file.
private struct Mount {
    let volume: String
    let path: String
    /// The file's place in the volume.
    let file: String
    /// Whether it shows a part of the volume, as it was when the container started.
    let isOfOneFile: Bool

    /// Of several the innermost counts, for runtimes mount them in the order of their depth.
    ///
    /// - Returns: `nil` if there is none.
    init?(over place: ContainerPath, in container: JSONValue, on system: PodContext.OperatingSystem) {
        var best: (path: ContainerPath, mount: JSONValue)?
        for mount in container["volumeMounts"]?.array ?? [] {
            guard let path = mount["mountPath"]?.string.flatMap({ ContainerPath($0, on: system) }),
                place.isWithin(path), path.depth >= best?.path.depth ?? 0
            else { continue }
            best = (path, mount)
        }
        guard let best else { return nil }
        volume = best.mount["name"]?.string ?? ""
        path = best.path.text
        let part = best.mount["subPath"]?.string ?? ""
        let rest = place.path(from: best.path)
        file = [part, rest].filter { !$0.isEmpty }.joined(separator: "/")
        isOfOneFile = !part.isEmpty || best.mount["subPathExpr"]?.string?.isEmpty == false
    }
}
