/// Where the cluster runs.
public enum Platform: String, CaseIterable, Hashable, Sendable {
    case eks
    case aks
    case gke
    /// IBM Cloud Kubernetes Service, and Red Hat OpenShift on IBM Cloud.
    case iks
    case oke
    case ack
    case selfManaged = "self-managed"

    /// The name as people write it in a sentence.
    public var title: String {
        switch self {
        case .eks: "Amazon EKS"
        case .aks: "Azure AKS"
        case .gke: "Google GKE"
        case .iks: "IBM Cloud (IKS and ROKS)"
        case .oke: "Oracle OKE"
        case .ack: "Alibaba Cloud ACK"
        case .selfManaged: "a self-managed cluster"
        }
    }
}

extension Platform: CustomStringConvertible {
    public var description: String { rawValue }
}
