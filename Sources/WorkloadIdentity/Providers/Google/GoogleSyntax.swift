extension ValueSyntax {
    /// https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
    static let workloadIdentityProvider = ValueSyntax(
        "\"projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER\", with the project's number",
        diagnosis: { faultOfProvider($0) }
    ) { value in
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 8 && parts[0] == "projects" && !parts[1].isEmpty && parts[1].utf8.allSatisfy(\.isDigit)
            && parts[2] == "locations" && parts[3] == "global" && parts[4] == "workloadIdentityPools"
            && isPoolID(parts[5]) && parts[6] == "providers" && isPoolID(parts[7])
    }

    private static let lengthsOfPoolIDs = 4...32

    private static func isPoolID(_ part: Substring) -> Bool {
        lengthsOfPoolIDs.contains(part.utf8.count) && part.utf8.allSatisfy(\.isLowercaseNameByte)
    }

    private static func faultOfProvider(_ value: String) -> Fault {
        guard let start = value.range(of: "projects/") else { return Fault() }
        if start != value.startIndex {
            return Fault(part: "the name begins with projects/", meant: String(value[start...]))
        }
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 1, !parts[1].utf8.allSatisfy(\.isDigit) {
            return Fault(
                part: "the project \"\(String(parts[1]).shortened)\" is not a number",
                advice: "write the number that \"gcloud projects describe \(String(parts[1]).shortened)\" prints")
        }
        if parts.count == 6, parts[4] == "workloadIdentityPools" {
            return Fault(part: "it names a pool and no provider", advice: "add /providers/PROVIDER")
        }
        guard parts.count == 8 else { return Fault() }
        for (name, id) in [("pool", parts[5]), ("provider", parts[7])] where !isPoolID(id) {
            guard lengthsOfPoolIDs.contains(id.utf8.count) else {
                return Fault(
                    part: "the \(name)'s id \"\(String(id).shortened)\" has \(id.utf8.count) characters",
                    advice: "Google's ids have \(lengthsOfPoolIDs.lowerBound) to \(lengthsOfPoolIDs.upperBound)")
            }
            return Fault(
                part: "the \(name)'s id \"\(String(id).shortened)\" has other characters than a-z, 0-9 and \"-\"",
                meant: value.lowercasedAfterProjects)
        }
        return Fault()
    }

    /// `NAME@PROJECT.iam.gserviceaccount.com`, where the project may be scoped by a domain; or one of those that Google
    /// makes, `NUMBER-compute@developer.gserviceaccount.com` and `PROJECT@appspot.gserviceaccount.com`.
    /// https://cloud.google.com/iam/docs/service-account-types
    static let googleServiceAccount = ValueSyntax(
        "a service account's e-mail address, such as \"NAME@PROJECT.iam.gserviceaccount.com\"",
        diagnosis: { faultOfServiceAccount($0) }
    ) { value in
        let parts = value.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy(\.isLowercaseNameByte) else { return false }
        return parts[1] == "developer.gserviceaccount.com"
            || GoogleServiceAccount.project(of: value).map(googleProject.accepts) == true
    }

    /// A project's ID; older ones are scoped by a domain.
    static let googleProject = ValueSyntax("a project's ID, such as \"my-project\"") { value in
        (1...128).contains(value.utf8.count)
            && value.utf8.allSatisfy { $0.isLowercaseNameByte || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
    }

    private static func faultOfServiceAccount(_ value: String) -> Fault {
        let kind = "serviceAccount:"
        if value.hasPrefix(kind) { return Fault(meant: String(value.dropFirst(kind.count))) }
        guard let at = value.firstIndex(of: "@") else {
            return Fault(part: "it has no \"@\"")
        }
        let domain = value[value.index(after: at)...]
        let suffix = ".iam.gserviceaccount.com"
        // Other spellings of the domain, after the project's ID.
        let project = domain.prefix { $0 != "." }
        return Fault(
            part: "\"\(String(domain).shortened)\" is not a domain of service accounts",
            meant: domain.contains(".iam.") || domain == project ? "\(value[...at])\(project)\(suffix)" : nil)
    }

    /// A region, or one of the larger places. It is part of a host name in the SDKs, so nothing else may get into it.
    /// https://cloud.google.com/vertex-ai/docs/general/locations
    static let googleLocation = ValueSyntax(
        "a location of Google Cloud, such as \"europe-west4\" or \"global\"",
        diagnosis: { value in
            let name = value.lowercased()
            let parts = name.split(separator: "-")
            let isZone = parts.count > 2 && parts.last?.utf8.count == 1 && parts.last?.utf8.first?.isDigit == false
            let isNumberApart = parts.count > 2 && parts.last?.utf8.allSatisfy(\.isDigit) == true
            return Fault(
                meant: isZone
                    ? parts.dropLast().joined(separator: "-")
                    : isNumberApart ? parts.dropLast().joined(separator: "-") + (parts.last ?? "") : nil)
        }
    ) { value in
        let parts = value.split(separator: "-", omittingEmptySubsequences: false)
        guard value.utf8.count <= 64, let last = parts.last else { return false }
        let number = last.utf8.drop { !$0.isDigit }
        return parts.dropLast().allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isLowercaseLetter) }
            && last.utf8.first?.isLowercaseLetter == true && number.count <= 2 && number.allSatisfy(\.isDigit)
            && (last.utf8.count - number.count > 1)
            && last.utf8.dropLast(number.count).allSatisfy(\.isLowercaseLetter)
    }
}

extension String {
    /// The collection in a resource's name keeps its capitals.
    fileprivate var lowercasedAfterProjects: String {
        lowercased().split(separator: "/", omittingEmptySubsequences: false).map {
            $0 == "workloadidentitypools" ? "workloadIdentityPools" : $0
        }.joined(separator: "/")
    }

    fileprivate func range(of prefix: String) -> Index? {
        indices.first { self[$0...].hasPrefix(prefix) }
    }
}
