internal import JSON

/// Who can read a token that the kubelet projects into a volume.
///
/// Since Kubernetes 1.19 the kubelet takes the volume's mode only where nothing says who is to read the file:
/// https://github.com/kubernetes/enhancements/blob/master/keps/sig-storage/2451-service-account-token-volumes/README.md#file-permission
struct TokenFilePermissions: Hashable {
    /// The lowest nine bits.
    let mode: Int
    /// `nil`: root.
    let owner: Int?
    let group: Int?

    private static let defaultMode = 0o644

    init(ofTokenIn volume: JSONValue, of pod: ExaminedPod) {
        group = pod.json["spec"]?["securityContext"]?["fsGroup"]?.integer
        owner = Self.commonUser(of: pod)
        if group != nil {
            mode = 0o640
        } else if owner != nil {
            mode = 0o600
        } else {
            mode = (volume["projected"]?["defaultMode"]?.integer ?? Self.defaultMode) & 0o777
        }
    }

    /// As whom all containers run, if the pod says that of every one of them. Ephemeral ones do not count.
    private static func commonUser(of pod: ExaminedPod) -> Int? {
        let containers = ["initContainers", "containers"].flatMap { pod.json["spec"]?[$0]?.array ?? [] }
        let users = Set(containers.map(pod.user))
        guard users.count == 1, let user = users.first else { return nil }
        return user
    }

    /// - Parameter user: `nil` for one that the image names.
    /// - Returns: `nil` if that depends on the image.
    func isReadable(by user: Int?) -> Bool? {
        // Every container is in the pod's group.
        if group != nil || mode & 0o004 != 0 { return true }
        guard let user else { return nil }
        return user == 0 || user == owner
    }

    var text: String {
        let digits = String(mode, radix: 8)
        let owner = "owner \(owner.map { String($0) } ?? "root")"
        return "mode 0\(digits), \(owner)\(group.map { ", group \($0)" } ?? "")"
    }
}
