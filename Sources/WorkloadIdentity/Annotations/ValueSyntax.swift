/// What may be written as the value of an annotation or a setting.
public struct ValueSyntax: Sendable {
    /// What a good value looks like, as the end of "write …".
    public let expected: String
    let accepts: @Sendable (String) -> Bool
    /// Whether it is the audience of a token that is meant.
    let isAudience: Bool

    init(_ expected: String, isAudience: Bool = false, accepts: @escaping @Sendable (String) -> Bool) {
        self.expected = expected
        self.isAudience = isAudience
        self.accepts = accepts
    }

    static let anything = ValueSyntax("any text") { _ in true }
    /// No pod has as many containers. Each name may cost a search and a message.
    static let list = ValueSyntax("names separated by commas, 100 at most") {
        (1...100).contains(ValueSyntax.names(in: $0).count)
    }
    /// The spellings that Go's `strconv.ParseBool` takes, and so the vendors' webhooks.
    static let boolean = ValueSyntax("\"true\" or \"false\"") { isTrue($0) || isFalse($0) }
    static func isTrue(_ value: String) -> Bool { ["1", "t", "T", "TRUE", "true", "True"].contains(value) }
    private static func isFalse(_ value: String) -> Bool { ["0", "f", "F", "FALSE", "false", "False"].contains(value) }
    static let seconds = ValueSyntax("a whole number of seconds, such as \"3600\"") { Int($0) != nil }

    static func oneOf(_ values: [String]) -> ValueSyntax {
        let quoted = values.map { "\"\($0)\"" }.joined(separator: ", ")
        return ValueSyntax(values.count == 1 ? quoted : "one of \(quoted)") { values.contains($0) }
    }

    /// An audience is an opaque string; white space in it is a mistake.
    static let audience = ValueSyntax("an audience without white space", isAudience: true) { value in
        (1...1024).contains(value.utf8.count) && value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// A region's name. It is part of a host name in several SDKs, so nothing else may get into it.
    static let region = ValueSyntax("a region's name, such as \"eu-central-1\"") { value in
        (1...64).contains(value.utf8.count) && value.utf8.allSatisfy(\.isLowercaseNameByte)
    }

    /// RFC 9562 section 4.
    static let uuid = ValueSyntax("a UUID, such as \"00000000-0000-0000-0000-000000000000\"") { value in
        let groups = value.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && groups.allSatisfy { $0.utf8.allSatisfy(\.isHexadecimalDigit) }
    }

    /// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`
    /// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    static let roleARN = ValueSyntax("an IAM role's ARN, such as \"arn:aws:iam::111122223333:role/NAME\"") { value in
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard (20...2048).contains(value.utf8.count), parts.count == 6, parts[0] == "arn",
            parts[1] == "aws" || parts[1].hasPrefix("aws-"), parts[1].utf8.allSatisfy(\.isLowercaseNameByte),
            parts[2] == "iam", parts[3].isEmpty,
            parts[4].utf8.count == 12, parts[4].utf8.allSatisfy(\.isDigit)
        else { return false }
        let resource = parts[5].split(separator: "/", omittingEmptySubsequences: false)
        guard resource.count >= 2, resource[0] == "role", let name = resource.last else { return false }
        return (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { $0.isWordByte || "+=,.@-".utf8.contains($0) }
            && !isRelative(name)
            && resource.dropFirst().dropLast().allSatisfy { part in
                // A path may hold any visible character, but Kubernetes would expand $(NAME) in a variable.
                !part.isEmpty && !isRelative(part)
                    && part.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "$") }
            }
    }

    /// `NAME@PROJECT.iam.gserviceaccount.com`, where the project may be scoped by a domain; or one of those that Google
    /// makes, `NUMBER-compute@developer.gserviceaccount.com` and `PROJECT@appspot.gserviceaccount.com`.
    /// https://cloud.google.com/iam/docs/service-account-types
    static let googleServiceAccount = ValueSyntax(
        "a service account's e-mail address, such as \"NAME@PROJECT.iam.gserviceaccount.com\""
    ) { value in
        let parts = value.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy(\.isLowercaseNameByte) else { return false }
        return parts[1] == "developer.gserviceaccount.com"
            || GoogleServiceAccount.project(of: value).map(googleProject.accepts) == true
    }

    /// https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
    static let workloadIdentityProvider = ValueSyntax(
        "\"projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER\", with the project's number"
    ) { value in
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        func isID(_ part: Substring) -> Bool {
            (4...32).contains(part.utf8.count) && part.utf8.allSatisfy(\.isLowercaseNameByte)
        }
        return parts.count == 8 && parts[0] == "projects" && !parts[1].isEmpty && parts[1].utf8.allSatisfy(\.isDigit)
            && parts[2] == "locations" && parts[3] == "global" && parts[4] == "workloadIdentityPools"
            && isID(parts[5]) && parts[6] == "providers" && isID(parts[7])
    }

    /// A project's ID; older ones are scoped by a domain.
    static let googleProject = ValueSyntax("a project's ID, such as \"my-project\"") { value in
        (1...128).contains(value.utf8.count)
            && value.utf8.allSatisfy { $0.isLowercaseNameByte || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
    }

    /// `acs:ram::ACCOUNT:role/NAME`
    /// https://www.alibabacloud.com/help/en/ram/user-guide/ram-role-overview
    static let alibabaRoleARN = ValueSyntax("a RAM role's ARN, such as \"acs:ram::1234567890123456:role/NAME\"") {
        alibabaResource($0, "role/", lengths: 1...64) != nil
    }

    static let alibabaOIDCProviderARN = ValueSyntax(
        "an OIDC provider's ARN, such as \"acs:ram::1234567890123456:oidc-provider/NAME\""
    ) { alibabaResource($0, "oidc-provider/", lengths: 1...128) != nil }

    static let alibabaRoleName = ValueSyntax("a RAM role's name: letters, digits, \".\" and \"-\"") {
        isAlibabaName($0, lengths: 1...64)
    }

    /// The account in an ARN of a kind of resource.
    static func alibabaResource(_ arn: String, _ kind: String, lengths: ClosedRange<Int>) -> String? {
        let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "acs", parts[1] == "ram", parts[2].isEmpty,
            (5...20).contains(parts[3].utf8.count), parts[3].utf8.allSatisfy(\.isDigit), parts[4].hasPrefix(kind),
            isAlibabaName(parts[4].dropFirst(kind.count), lengths: lengths)
        else { return nil }
        return String(parts[3])
    }

    private static func isAlibabaName(_ name: some StringProtocol, lengths: ClosedRange<Int>) -> Bool {
        lengths.contains(name.utf8.count) && name.utf8.allSatisfy { $0.isWordByte || ".-".utf8.contains($0) }
    }

    /// An id that its vendor publishes no form of: anything that stays one word.
    static let opaqueID = ValueSyntax("an id without white space") { value in
        (1...256).contains(value.utf8.count)
            && value.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "$") }
    }

    static func prefixed(_ prefix: String, orLiteral literal: String? = nil) -> ValueSyntax {
        let expected = "an id that begins with \"\(prefix)\"" + (literal.map { ", or \"\($0)\"" } ?? "")
        return ValueSyntax(expected) { value in
            value == literal
                || value.hasPrefix(prefix) && value.utf8.count > prefix.utf8.count && value.utf8.count <= 256
                    && value.utf8.allSatisfy { $0.isWordByte || $0 == UInt8(ascii: "-") }
        }
    }

    static let vaultRole = ValueSyntax("a role's name: letters, digits, \".\", \"_\" and \"-\"") { value in
        (1...256).contains(value.utf8.count) && value.utf8.allSatisfy { $0.isWordByte || ".-".utf8.contains($0) }
    }

    /// Goes into a template of Vault's agent, so nothing that could end a string may get in.
    static let vaultPath = ValueSyntax(
        "the secret's API path, such as \"secret/data/ai/openai\": letters, digits, \".\", \"_\", \"-\" and \"/\""
    ) { value in
        (1...512).contains(value.utf8.count) && value.utf8.allSatisfy { $0.isWordByte || ".-/".utf8.contains($0) }
            && !value.hasPrefix("/") && !value.hasSuffix("/")
            && value.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && !isRelative($0)
            }
    }

    /// The path of a secret: not Vault's own ways to log in and to be administered.
    static let secretPath = ValueSyntax(
        "\(vaultPath.expected), each part of which is a name, and the first neither \"auth\" nor \"sys\""
    ) { value in
        vaultPath.accepts(value) && !["auth", "sys"].contains(value.prefix { $0 != "/" })
    }

    /// Whether a part of a path means another part: programs differ in what they make of it.
    private static func isRelative(_ part: Substring) -> Bool { part == "." || part == ".." }

    static let vaultField = ValueSyntax(
        "a field's name: letters, digits, \".\", \"_\" and \"-\"", accepts: vaultRole.accepts)

    /// The names in a list, separated by commas or semicolons, as each of the vendors' webhooks takes one of the two.
    /// EKS' reads its list as CSV, so that a name may stand in quotes.
    static func names(in list: String) -> [String] {
        list.filter { $0 != "\"" }.split { $0 == "," || $0 == ";" }.map { $0.trimmingWhitespace }.filter { !$0.isEmpty }
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLowercaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    var isHexadecimalDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }
    /// A lower-case letter, a digit or a hyphen.
    var isLowercaseNameByte: Bool { isLowercaseLetter || isDigit || self == UInt8(ascii: "-") }
    /// A letter, a digit or an underscore.
    var isWordByte: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
    }
}

extension StringProtocol {
    var trimmingWhitespace: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
