internal import JSON

/// What came of it, as the container's termination message.
///
/// https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
extension PodTrial {
    /// In bytes. A node keeps 4,096 of one container, and 12 KiB of all of a pod's together: it is cut off in a pod of more than six.
    public static let longestMessage = 2048

    /// - Parameter verdicts: one for each entry.
    public func message(of verdicts: [Verdict]) -> String {
        var results = zip(entries, verdicts).map { entry, verdict in
            var json: JSONValue = [
                "provider": .string(entry.provider.rawValue), "mechanism": .string(entry.mechanism.rawValue),
                "outcome": .string(verdict.outcome.rawValue), "reason": .string(verdict.reason),
            ]
            if verdict.isDenial { json["denied"] = true }
            if verdict.outcome != .verified { json["message"] = .string(verdict.message) }
            return json
        }
        // A reason says more than nothing, so what is too long goes as a whole, the longest first.
        while true {
            let text = (["results": .array(results)] as JSONValue).serializedString()
            func length(_ result: JSONValue) -> Int { result["message"]?.string?.utf8.count ?? 0 }
            guard text.utf8.count > Self.longestMessage,
                let longest = results.indices.max(by: { length(results[$0]) < length(results[$1]) }),
                results[longest]["message"] != nil
            else { return text }
            results[longest]["message"] = nil
        }
    }

    /// Reads a message. Whoever may write pods, or their statuses, may have written it: nothing in it gets to be a command, and
    /// nothing that this release would not write is believed.
    ///
    /// - Returns: one for each entry; `nil` if it is no such message.
    public func verdicts(inMessage text: String, of subject: Subject) -> [Verdict]? {
        guard text.utf8.count <= 4096, let json = try? JSONValue(parsing: Array(text.utf8), maximumDepth: 4),
            let results = json["results"]?.array, results.count == entries.count
        else { return nil }
        let verdicts = zip(entries, results).compactMap { entry, result in
            entry.verdict(in: result, of: subject)
        }
        return verdicts.count == entries.count ? verdicts : nil
    }

    /// What a container, or the provider that it asks, may say.
    static let reasons: Set<String> = [
        "IssuerNotTrusted", "SubjectNotTrusted", "AudienceNotTrusted", "NamespaceNotTrusted", "TrustMismatch",
        "TrustPolicyMismatch", "TrustRejectedOpaque", "RoleNotFound", "ClientIdNotFound", "TenantNotFound",
        "ServiceAccountNotFound", "MappingNotFound", "NoFederatedCredential", "AuthMethodNotFound",
        "AssociationNotFound", "IssuerUnreachable", "FingerprintMismatch", "SignatureInvalid", "TokenRejected",
        "ClockSkew", "SubjectTooLong", "SingleUseToken", "SecondRoleDenied", "ImpersonationDenied", "RegionDisabled",
        "InvalidConfiguration", "SecretMissing", "TokenMissing", "TimedOut", "Unreachable", "TLSFailed", "ProxyDenied",
        "UnexpectedAnswer", "Throttled",
    ]
}

extension PodTrial.Entry {
    fileprivate func verdict(in json: JSONValue, of subject: Subject) -> Verdict? {
        guard json["provider"]?.string == provider.rawValue, json["mechanism"]?.string == mechanism.rawValue,
            let reason = json["reason"]?.string
        else { return nil }
        switch json["outcome"]?.string.flatMap(Verdict.Outcome.init(rawValue:)) {
        case .verified where reason == "Verified": return exchange.verified
        case .failed where PodTrial.reasons.contains(reason):
            let said = json["message"]?.string ?? "the pod says no more than that"
            return Verdict(
                outcome: .failed, reason: reason, message: said.oneLine(longest: 600),
                fix: "lanyard explain \(provider) \(ShellWord(subject.qualifiedName))",
                isDenial: json["denied"]?.bool == true)
        default: return nil
        }
    }
}

extension String {
    /// Without what could move a terminal's cursor.
    ///
    /// - Parameter longest: in Unicode scalars.
    fileprivate func oneLine(longest: Int) -> String {
        let scalars = unicodeScalars.prefix(longest).map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: Unicode.Scalar(UInt8(ascii: " "))
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(scalars)) + (unicodeScalars.count > longest ? "…" : "")
    }
}
