extension ValueSyntax {
    /// `acs:ram::ACCOUNT:role/NAME`
    /// https://www.alibabacloud.com/help/en/ram/user-guide/ram-role-overview
    static let alibabaRoleARN = ValueSyntax(
        "a RAM role's ARN, such as \"acs:ram::1234567890123456:role/NAME\"",
        diagnosis: { faultOfAlibabaARN($0, "role") }
    ) { alibabaResource($0, "role/", lengths: 1...64) != nil }

    static let alibabaOIDCProviderARN = ValueSyntax(
        "an OIDC provider's ARN, such as \"acs:ram::1234567890123456:oidc-provider/NAME\"",
        diagnosis: { faultOfAlibabaARN($0, "oidc-provider") }
    ) { alibabaResource($0, "oidc-provider/", lengths: 1...128) != nil }

    static let alibabaRoleName = ValueSyntax(
        "a RAM role's name: letters, digits, \".\" and \"-\"",
        diagnosis: { value in
            alibabaResource(value, "role/", lengths: 1...64) == nil
                ? Fault()
                : Fault(part: "it is the role's ARN", meant: value.split(separator: "/").last.map(String.init))
        }
    ) { isAlibabaName($0, lengths: 1...64) }

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

    private static func faultOfAlibabaARN(_ value: String, _ kind: String) -> Fault {
        var parts = value.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 4, parts[0] == "acs", parts[1] == "ram" {
            // The region, which RAM has none of, is often left out altogether.
            parts.insert("", at: 2)
            return Fault(part: "the ARN has 4 parts, and 5 are needed", meant: parts.joined(separator: ":"))
        }
        guard parts.count == 5, parts[0] == "acs" else { return Fault() }
        if !parts[3].utf8.allSatisfy(\.isDigit) || parts[3].isEmpty {
            return Fault(part: "the account \"\(parts[3].shortened)\" is not a number")
        }
        let found = parts[4].prefix { $0 != "/" }
        return found == kind
            ? Fault() : Fault(part: "it is the ARN of \"\(String(found).shortened)\", not of \"\(kind)\"")
    }

    /// It is part of a host name in the SDKs, so nothing else may get into it.
    /// https://www.alibabacloud.com/help/en/ecs/user-guide/regions-and-zones
    static let alibabaRegion = ValueSyntax(
        "a region of Alibaba Cloud, such as \"ap-southeast-1\"",
        // A zone's name ends with a letter, after a hyphen or a number.
        diagnosis: { value in
            let parts = value.lowercased().split(separator: "-")
            guard let last = parts.last else { return Fault() }
            let region =
                last.utf8.count == 1 ? parts.dropLast().joined(separator: "-") : String(value.lowercased().dropLast())
            return Fault(meant: region)
        }
    ) { value in
        let parts = value.split(separator: "-", omittingEmptySubsequences: false)
        return value.utf8.count <= 64 && parts.count >= 2
            && parts.allSatisfy { part in
                part.utf8.allSatisfy(\.isLowercaseLetter) && part.utf8.count > 1
                    || part.utf8.allSatisfy(\.isDigit) && (1...2).contains(part.utf8.count)
            }
            && parts.first?.utf8.first?.isLowercaseLetter == true
    }
}
