/// The forms that Kubernetes gives to names.
/// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names
public enum DNSName {
    /// RFC 1123: what a namespace is called.
    public static func isLabel(_ name: some StringProtocol) -> Bool {
        (1...63).contains(name.utf8.count) && name.utf8.allSatisfy(\.isLowercaseNameByte) && !name.hasPrefix("-")
            && !name.hasSuffix("-")
    }

    /// What most other objects are called.
    public static func isSubdomain(_ name: String) -> Bool {
        name.utf8.count <= 253
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy(\.isLowercaseNameByte) && !part.hasPrefix("-")
                    && !part.hasSuffix("-")
            }
    }
}
