/// The pod's name as the name of its session, so that CloudTrail tells one pod from another.
///
/// The web identity's session has a name that the SDK makes up, unless a variable says it.
/// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
struct AWSSessionName {
    /// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    static let lengths = 2...64

    let groups: [PodAddition.VariableGroup]
    let identity: [(name: String, value: String)]

    /// Every name that Kubernetes makes up has 63 characters at most; one that the user chose may be too long.
    /// https://github.com/kubernetes/apiserver/blob/master/pkg/storage/names/generate.go
    init(_ request: BindingRequest, _ problems: inout [Problem]) {
        guard request.inputs.isTrue(.awsSessionNameFromPod) == true else {
            (groups, identity) = ([], [])
            return
        }
        identity = [("session", "pod")]
        if let name = request.pod.name, !name.isEmpty, !Self.lengths.contains(name.utf8.count) {
            groups = []
            problems.append(
                .warning(
                    .sessionNameUnusable,
                    """
                    the pod: its name has \(name.utf8.count) characters, and AWS STS takes \(Self.lengths.lowerBound) to \
                    \(Self.lengths.upperBound) in a session's name, so AWS_ROLE_SESSION_NAME is not set and the SDK makes \
                    a name up
                    """,
                    field: AnnotationKey.awsSessionNameFromPod.name, provider: request.provider))
        } else {
            groups = [.init(.each, [.init("AWS_ROLE_SESSION_NAME", .podField("metadata.name"))])]
        }
    }
}
