internal import JSON

/// How much of one manifest is kept in memory, whatever its size: some megabytes at most.
///
/// A review of the size that an API server may send can hold two million empty containers, which would become a gigabyte.
/// What passes a bound is no pod that a cluster would run, so reading it ends there, and the webhook's `failurePolicy`
/// decides.
struct ManifestAllowance: Sendable {
    /// More than any node runs in one pod.
    static let containers = 1000

    /// Variables, mounts, volumes and sources of variables. An object of etcd's usual limit of 1.5 MiB has no room for more.
    static let parts = 65_536

    /// Of annotations and labels, in bytes. The API server takes 256 KiB of annotations.
    /// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
    static let text = 512 << 10

    private var containersKept = 0
    private var partsKept = 0
    private var textKept = 0

    mutating func keepContainer() throws(JSONLimitExceeded) {
        containersKept += 1
        guard containersKept <= Self.containers else {
            throw JSONLimitExceeded("the pod has more than \(Self.containers) containers")
        }
    }

    mutating func keepPart() throws(JSONLimitExceeded) {
        partsKept += 1
        guard partsKept <= Self.parts else {
            throw JSONLimitExceeded("the pod has more than \(Self.parts) volumes, variables and mounts")
        }
    }

    mutating func keepText(_ byteCount: Int) throws(JSONLimitExceeded) {
        textKept += byteCount
        guard textKept <= Self.text else {
            throw JSONLimitExceeded("the annotations and labels have more than \(Self.text >> 10) KiB")
        }
    }

    /// Whether there is as much of it as only few pods have.
    var isLargelySpent: Bool { containersKept > 64 || partsKept > 4096 || textKept > 64 << 10 }
}
