/// The roles of a pod's containers: one for all, or several by the containers' names.
struct AWSRoles {
    /// The pod label by which EKS' own webhook leaves a pod alone, whatever its value.
    /// https://github.com/aws/amazon-eks-pod-identity-webhook#eks-walkthrough
    static let skipLabel = "eks.amazonaws.com/skip-pod-identity-webhook"

    /// The role of every container that is not named.
    let ofAll: String?
    /// In the order of the containers' names.
    let ofContainers: [(container: String, role: String)]

    init(_ inputs: Inputs) {
        ofAll = inputs[.awsRoleARN]
        let named = inputs[.awsRoleARNs].flatMap(Self.read) ?? []
        ofContainers = named.sorted { $0.container < $1.container }
    }

    var isEmpty: Bool { all.isEmpty }

    /// Every role of some container.
    var all: [String] { (ofAll.map { [$0] } ?? []) + ofContainers.map(\.role) }

    /// The containers that have a role.
    var containers: ContainerSelection {
        ContainerSelection(include: ofAll == nil ? ofContainers.map(\.container) : [])
    }

    func groups(tokenFile: String) -> [PodAddition.VariableGroup] {
        func group(_ role: String, _ containers: ContainerSelection) -> PodAddition.VariableGroup {
            .init(
                .allOrNone,
                [
                    .init("AWS_ROLE_ARN", role),
                    .init("AWS_WEB_IDENTITY_TOKEN_FILE", tokenFile, isInVolume: true),
                ], in: containers)
        }
        let others = ofAll.map { [group($0, ContainerSelection(skip: ofContainers.map(\.container)))] } ?? []
        return ofContainers.map { group($0.role, ContainerSelection(include: [$0.container])) } + others
    }

    var identity: [(name: String, value: String)] {
        guard !ofContainers.isEmpty else { return [] }
        return [("roles", ofContainers.map { "\($0.container)=\($0.role)" }.joined(separator: ","))]
    }

    /// Reads `CONTAINER=ARN,…`. The name of a role may itself hold commas and equals signs: an entry begins where a
    /// container's name and `=arn:` stand.
    static func read(_ text: String) -> [(container: String, role: String)]? {
        var entries: [(container: String, role: String)] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let entry = part.trimmingWhitespace
            if let equals = entry.firstIndex(of: "="), entry[equals...].hasPrefix("=arn:") {
                entries.append((String(entry[..<equals]), String(entry[entry.index(after: equals)...])))
            } else if let last = entries.indices.last {
                entries[last].role += "," + part
            } else {
                return nil
            }
        }
        // As many as a list of containers may have.
        guard entries.count <= 100 else { return nil }
        let isValid = entries.allSatisfy { entry in
            ValueSyntax.containerName.accepts(entry.container) && ValueSyntax.roleARN.accepts(entry.role)
        }
        return isValid && Set(entries.map(\.container)).count == entries.count ? entries : nil
    }

    static func fault(in text: String) -> ValueSyntax.Fault {
        let commas = String(text.map { $0 == ";" ? "," : $0 })
        let entry = text.split(separator: ",").lazy.map(\.trimmingWhitespace).compactMap { entry -> String? in
            guard let equals = entry.firstIndex(of: "=") else { return nil }
            let role = String(entry[entry.index(after: equals)...])
            guard !ValueSyntax.roleARN.accepts(role), let part = ValueSyntax.roleARN.fault(in: role).part else {
                return nil
            }
            return "in the role of \"\(String(entry[..<equals]).shortened)\", \(part)"
        }.first
        return .init(part: entry, meant: commas == text ? nil : commas)
    }
}

extension ValueSyntax {
    static let awsRoleARNs = ValueSyntax(
        "containers with their roles, such as \"main=arn:aws:iam::111122223333:role/NAME,worker=…\", each named once, 100 at most",
        diagnosis: { AWSRoles.fault(in: $0) }
    ) { AWSRoles.read($0) != nil }

    /// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
    fileprivate static let containerName = ValueSyntax("a container's name") { value in
        (1...63).contains(value.utf8.count) && value.utf8.allSatisfy(\.isLowercaseNameByte)
    }
}
